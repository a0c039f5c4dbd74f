/**
 * A program of the seccomp tests: loads the filter on stdin (base64) into all its threads, makes the calls it is given
 * (`name arg …`), prints the answers as JSON. Errors are minus the errno.
 */
import { ptr } from "bun:ffi";
import { trySyscall } from "../../ffi/libc.ts";
import type { SyscallName } from "../../ffi/syscall-number.ts";

const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;

const filter = new Uint8Array(Buffer.from(await Bun.stdin.text(), "base64"));
/** struct sock_fprog: u16 len @0, pointer filter @8; 16 bytes. */
const program = new DataView(new ArrayBuffer(16));
program.setUint16(0, filter.byteLength / 8, true);
program.setBigUint64(8, BigInt(ptr(filter)), true);

const steps = [
  trySyscall("prctl", [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]),
  trySyscall("seccomp", [SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, new Uint8Array(program.buffer)]),
];
if (steps.some((result) => result !== 0)) throw new Error(`cannot load the filter: ${steps}`);

const answers = process.argv.slice(2).map((call) => {
  const [name = "", ...args] = call.split(" ");
  return trySyscall(
    name as SyscallName,
    args.map((arg) => BigInt(arg.replace(/^-/, "")) * (arg.startsWith("-") ? -1n : 1n)),
  );
});
await Bun.write(Bun.stdout, JSON.stringify(answers));
