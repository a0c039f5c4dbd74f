/**
 * `checkpoint` and `restore`: refused, so that nobody waits for an image that is never written.
 */
import { BockerError } from "../../errors.ts";
import type { OciCommand } from "../oci-context.ts";

export const run: OciCommand = () => {
  throw new BockerError("checkpoint and restore are not supported: they need CRIU", { kind: "unsupported" });
};
