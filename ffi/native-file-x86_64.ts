/**
 * Paths of the native parts for x86_64, inside the binary or in a checkout. See native-file.ts.
 */
import init from "../build/native/x86_64/init.elf" with { type: "file" };
import launch from "../build/native/x86_64/launch.so" with { type: "file" };

export { init, launch };
