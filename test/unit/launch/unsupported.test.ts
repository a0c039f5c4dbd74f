import { expect, test } from "bun:test";
import { refuseUnsupportedSpec } from "../../../src/launch/unsupported.ts";
import type { Spec } from "../../../src/spec/oci.ts";

const specWith = (destination: string): Spec => ({
  ociVersion: "1.2.0",
  mounts: [{ destination, type: "bind", source: "/evil", options: ["rbind"] }],
});

test.each(["/proc/self", "/proc/self/attr", "/proc/1", "/proc/sys/kernel", "/proc/meminfo/x"])(
  "a mount on %s is refused: what is inside /proc must be the kernel's",
  (target) => {
    expect(() => refuseUnsupportedSpec(specWith(target))).toThrow(
      `error mounting "/evil" to rootfs at "${target}": "${target}" cannot be mounted because it is inside /proc`,
    );
  },
);

test.each(["/proc/meminfo", "/proc/cpuinfo", "/proc/net/dev", "/procedure/x"])(
  "one on %s is not",
  (target) => {
    expect(() => refuseUnsupportedSpec(specWith(target))).not.toThrow();
  },
);
