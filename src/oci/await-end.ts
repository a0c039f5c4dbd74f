/**
 * Waiting for a process that is not this one's child.
 */
import { close, POLLIN, poll } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";

const patienceMs = 10_000;
const sliceMs = 100;

/** Waits until the pidfd's process has ended, and closes it. A zombie that nobody reaps has ended. */
export async function waitUntilGone(pidfd: number): Promise<void> {
  try {
    for (let waited = 0; waited < patienceMs; waited += sliceMs) {
      if ((poll(pidfd, POLLIN, sliceMs) & POLLIN) !== 0) return;
      await Bun.sleep(0);
    }
  } finally {
    close(pidfd);
  }
  throw new BockerError("container init still running after SIGKILL", {
    kind: "timeout",
    hint: "it hangs in the kernel (state D), usually on a dead network file system",
  });
}
