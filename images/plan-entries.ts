/**
 * The members of the embedded image's layer, from its definition: pure.
 */

/** images/busybox.toml. */
export interface ImageDefinition {
  readonly reference: string;
  /** RFC 3339; the time of the image and of every file. */
  readonly created: string;
  /** The Debian package the binary comes from. */
  readonly package: string;
  readonly binary: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
  /** Path to octal mode. */
  readonly directory: Readonly<Record<string, string>>;
  readonly file: readonly { readonly path: string; readonly mode: string; readonly content: string }[];
  readonly symlink: readonly { readonly path: string; readonly target: string }[];
}

/** A member; all belong to root. */
export type LayerMember =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly data: Uint8Array }
  | { readonly kind: "hardlink" | "symlink"; readonly path: string; readonly target: string };

const binaryPath = "bin/busybox";

/**
 * Members in the order of their paths, except that the binary comes before the hard links to it. `applets` are
 * paths as `busybox --list-full` prints them.
 */
export function planEntries(
  definition: ImageDefinition,
  binary: Uint8Array,
  applets: readonly string[],
): readonly LayerMember[] {
  const directories = Object.entries(definition.directory).map(([path, mode]) => {
    return { kind: "directory", path, mode: Number.parseInt(mode, 8) } as const;
  });
  const files = definition.file.map(({ path, mode, content }) => {
    return { kind: "file", path, mode: Number.parseInt(mode, 8), data: Buffer.from(content) } as const;
  });
  const symlinks = definition.symlink.map((link) => ({ kind: "symlink", ...link }) as const);
  const links = applets
    .filter((path) => path.includes("/") && path !== binaryPath)
    .map((path) => ({ kind: "hardlink", path, target: binaryPath }) as const);
  const sorted = [...directories, ...files, ...symlinks, ...links].sort((a, b) => (a.path < b.path ? -1 : 1));
  const afterBin = sorted.findIndex(({ path }) => path === "bin") + 1;
  const executable = { kind: "file", path: binaryPath, mode: 0o755, data: binary } as const;
  return [
    { kind: "directory", path: ".", mode: 0o755 },
    ...sorted.slice(0, afterBin),
    executable,
    ...sorted.slice(afterBin),
  ];
}
