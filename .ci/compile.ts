/**
 * One executable for one target: what is compiled, with which names defined, and where embedded files come from.
 *
 * Sources import embedded files from `build/native/ARCH` and `build/image/ARCH` behind a test of process.arch, which the
 * bundler decides for its target.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readCommit } from "./source-stamp.ts";

const root = dirname(import.meta.dir);

export const buildTargets = ["linux-x64", "linux-arm64", "linux-x64-musl", "linux-arm64-musl"] as const;
export type BuildTarget = (typeof buildTargets)[number];
/** As the native parts and the embedded image call it. */
type Architecture = "x86_64" | "arm64";

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
  const architecture: Architecture = target.includes("arm64") ? "arm64" : "x86_64";
  prepareEmbedded(architecture);
  const result = await Bun.build({
    entrypoints: [join(root, "src/main.ts")],
    // A container engine reads its own configuration: never the .env or bunfig.toml of the directory it is run in.
    compile: {
      target: `bun-${target}`,
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
      // Most of what a command runs it runs once: compiling that was 11 of the 56 ms of CPU time of a `run`. See main.ts.
      jitPolicy: 100,
    },
    minify: true,
    bytecode: true,
    // A role or command loads the functions of its own modules only: --version 7.4 to 5.9 ms, 1 MB less a monitor.
    splitting: true,
    format: "esm",
    define: {
      BOCKER_VERSION: JSON.stringify(readVersion()),
      BOCKER_COMMIT: JSON.stringify(readCommit()),
    },
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
}

/** Builds what gets embedded, each part with its own program. Their messages are the user's. */
function prepareEmbedded(architecture: Architecture): void {
  runBuildStep(["sh", join(root, "ffi/native/build.sh"), architecture]);
  runBuildStep([process.execPath, join(root, "images/build-busybox.ts"), architecture]);
}

function runBuildStep(argv: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(argv, { cwd: root, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(stderr.toString().trim() || `${argv.join(" ")}: exit ${exitCode}`);
}
