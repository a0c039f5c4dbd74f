/**
 * One executable for one target: what is compiled, with which names defined, and where embedded files come from.
 *
 * Sources import embedded files as `dist/native/NAME`, which is this machine's; when a build is for another target a
 * plugin leads the same import to `dist/native/TARGET/NAME`.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readCommit } from "./source-stamp.ts";

const root = dirname(import.meta.dir);

export const buildTargets = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"] as const;
export type BuildTarget = (typeof buildTargets)[number];
export type Architecture = "x64" | "arm64";

/** The target of the machine that builds: its architecture, and musl when glibc's loader is not there. */
export function hostTarget(): BuildTarget {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const loaders = [...new Bun.Glob("lib*/ld-linux-*.so.*").scanSync({ cwd: "/", followSymlinks: true })];
  return loaders.length > 0 ? `linux-${architecture}` : `linux-${architecture}-musl`;
}

/** The version in package.json. */
export function readVersion(): string {
  const manifest: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return manifest.version;
}

/** Compiles src/main.ts for `target` into `outfile`. Throws an Error whose message is fit to print. */
export async function compileFor(target: BuildTarget, outfile: string): Promise<void> {
  const embedded = await prepareEmbedded(target);
  const result = await Bun.build({
    entrypoints: [join(root, "src/main.ts")],
    compile: { target: `bun-${target}`, outfile },
    minify: true,
    bytecode: true,
    define: {
      BOCKER_VERSION: JSON.stringify(readVersion()),
      BOCKER_COMMIT: JSON.stringify(readCommit()),
    },
    plugins: [embeddedFrom(embedded)],
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
}

/** Builds what gets embedded, for the target's architecture; returns the directory that holds it. */
async function prepareEmbedded(target: BuildTarget): Promise<string> {
  const architecture: Architecture = target.includes("arm64") ? "arm64" : "x64";
  const directory = target === hostTarget() ? join(root, "dist/native") : join(root, "dist/native", target);
  mkdirSync(directory, { recursive: true });
  const { buildNative } = await import("../ffi/native/build.ts");
  await buildNative(architecture, directory);
  const { buildBusybox } = await import("../images/build-busybox.ts");
  await buildBusybox(architecture, directory);
  return directory;
}

function embeddedFrom(directory: string): Bun.BunPlugin {
  return {
    name: "embedded",
    setup(build) {
      build.onResolve({ filter: /\/dist\/native\/[^/]+$/ }, ({ path }) => ({
        path: join(directory, basename(path)),
      }));
    },
  };
}
