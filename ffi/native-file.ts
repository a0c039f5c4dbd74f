/**
 * The native parts that belong to this build: compiled by ffi/native/build.sh, embedded in the binary, read from
 * build/native in a checkout. Only the target architecture's are bundled: the other branch is dropped at build time.
 */
import { readFileSync } from "node:fs";

interface NativeFiles {
  readonly init: string;
  readonly launch: string;
}

/** Bytes of the init program, or of the launch library. */
export function readNativeFile(name: keyof NativeFiles): Uint8Array {
  try {
    return readFileSync(nativeFiles()[name]);
  } catch (error) {
    throw new Error("the native parts are missing: run ffi/native/build.sh", { cause: error });
  }
}

function nativeFiles(): NativeFiles {
  if (process.arch === "arm64") return require("./native-file-arm64.ts") as NativeFiles;
  return require("./native-file-x86_64.ts") as NativeFiles;
}
