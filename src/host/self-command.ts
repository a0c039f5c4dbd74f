/**
 * How this program starts itself again: the compiled binary, or the toolchain with src/main.ts while developing.
 */
/** The argument list that runs `bocker WORD…` with the same code as this process. */
export function selfCommand(...words: readonly string[]): readonly string[] {
  return isCompiled()
    ? [process.execPath, ...words]
    : [process.execPath, `${import.meta.dir}/../main.ts`, ...words];
}

/** Files of a compiled binary live under this made-up root; import.meta.dir is the build's folder with --bytecode. */
function isCompiled(): boolean {
  return Bun.main.startsWith("/$bunfs/");
}
