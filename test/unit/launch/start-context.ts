/**
 * A StartContext of a plain host, for tests of planning.
 */
import type { StartContext } from "../../../src/launch/context.ts";
import { capabilityMask } from "../../../src/security/capability.ts";

export const context: StartContext = {
  rootfs: { kind: "mount", description: "overlay of two layers" },
  hostRoot: "pivotable",
  kernel: { mountSetattr: true, closeRangeCloexec: true },
  bindSources: { "/srv/data": "directory", "/srv/hosts": "file" },
  availableCapabilities: capabilityMask(["ALL"]),
  chownStdio: [],
  dieWithParent: true,
  init: false,
  keyring: "_ses.0123456789ab",
};
