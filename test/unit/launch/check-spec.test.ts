import { expect, test } from "bun:test";
import { checkSpec } from "../../../src/launch/check-spec.ts";
import type { Spec } from "../../../src/spec/oci.ts";
import { context } from "./start-context.ts";

const specWith = (destination: string): Spec => ({
  ociVersion: "1.2.0",
  mounts: [{ destination, type: "bind", source: "/evil", options: ["rbind"] }],
});

test.each(["/proc/self", "/proc/self/attr", "/proc/1", "/proc/sys/kernel", "/proc/meminfo/x"])(
  "a mount on %s is refused: what is inside /proc must be the kernel's",
  (target) => {
    expect(() => checkSpec(specWith(target), context)).toThrow(
      `error mounting "/evil" to rootfs at "${target}": "${target}" cannot be mounted because it is inside /proc`,
    );
  },
);

test.each(["/proc/meminfo", "/proc/cpuinfo", "/proc/net/dev", "/procedure/x"])(
  "one on %s is not",
  (target) => {
    expect(() => checkSpec(specWith(target), context)).not.toThrow();
  },
);
