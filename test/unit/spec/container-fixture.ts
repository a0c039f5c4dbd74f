/** A container config with nothing asked for, and what the engine would have found out: each test edits one thing. */
import type { ContainerConfig } from "../../../src/config/container-config.ts";
import { newRunDraft } from "../../../src/config/default-config.ts";
import type { ResolvedContainer } from "../../../src/spec/build-spec.ts";

export const plainConfig: ContainerConfig = {
  ...newRunDraft().config,
  image: "alpine",
  log: { driver: "json-file", maxSizeBytes: 0, maxFiles: 1 },
};

export const plainResolved: ResolvedContainer = {
  user: { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" },
  hostname: "0123456789ab",
  rootfs: "/rootfs",
  cgroupsPath: "/bocker/0123456789ab",
  boundingCapabilities: (1n << 41n) - 1n,
  swapLimit: true,
  files: { hosts: "/c/hosts", hostname: "/c/hostname", resolvConf: "/c/resolv.conf" },
  volumes: {},
};
