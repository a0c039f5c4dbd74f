#!/usr/bin/env bun
/**
 * Builds the executable: native parts, embedded root file system, then `bun build --compile`.
 *
 *   bun run build                          dist/bocker, for this machine
 *   bun run build --target linux-arm64     dist/bocker-linux-arm64 (linux-x64, …-musl, all)
 *   bun run build --release                dist/release: every target compressed, SHA256SUMS, install.sh
 *
 * Quick and repeatable: what an executable is made from is hashed into a stamp beside it, and an equal stamp
 * means nothing to do. Files are written under a temporary name and renamed, so that parallel builds and
 * running containers never see half of one.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type BuildTarget, buildTargets, compileFor, hostTarget, readVersion } from "./compile.ts";
import { sourceStamp } from "./source-stamp.ts";

const root = dirname(import.meta.dir);
const dist = join(root, "dist");

interface BuildOptions {
  readonly targets: readonly BuildTarget[];
  readonly release: boolean;
  /** The executable of this machine's target is called plain `bocker`. */
  readonly plainName: boolean;
}

/** Prints one line and ends the build: this is a program of the build, not of the product. */
function fail(message: string): never {
  console.error(`build: ${message}`);
  process.exit(1);
}

function parseArguments(words: readonly string[]): BuildOptions {
  const targets: BuildTarget[] = [];
  let release = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--release") release = true;
    else if (word === "--target") targets.push(...parseTarget(words[++at] ?? ""));
    else if (word.startsWith("--target=")) targets.push(...parseTarget(word.slice("--target=".length)));
    else fail(`unknown option "${word}" (there are --target and --release)`);
  }
  if (targets.length > 0) return { targets, release, plainName: false };
  return { targets: release ? buildTargets : [hostTarget()], release, plainName: !release };
}

function parseTarget(word: string): readonly BuildTarget[] {
  if (word === "all") return buildTargets;
  const found = buildTargets.find((target) => target === word);
  return found === undefined ? fail(`unknown target "${word}" (${buildTargets.join(", ")}, all)`) : [found];
}

/** Makes `outfile` unless its stamp says that it is made from what is here now. */
async function buildExecutable(target: BuildTarget, outfile: string, stamp: string): Promise<void> {
  const stampFile = `${outfile}.stamp`;
  const wanted = `${target} ${stamp}\n`;
  if (existsSync(outfile) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === wanted) return;
  const started = performance.now();
  // Bun embeds the output's base name: with the same one, the same sources make the same bytes.
  const temporary = join(dist, `.build-${target}-${process.pid}`);
  mkdirSync(temporary, { recursive: true });
  try {
    await compileFor(target, join(temporary, "bocker"));
    rmSync(stampFile, { force: true });
    renameSync(join(temporary, "bocker"), outfile);
    await Bun.write(stampFile, wanted);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${outfile.slice(root.length + 1)}  ${(Bun.file(outfile).size / 1e6).toFixed(0)} MB  ${seconds} s`,
  );
}

/** Lays out what install.sh downloads: `latest`, `vVERSION/ASSET.gz`, `vVERSION/SHA256SUMS`. */
async function layOutRelease(built: ReadonlyMap<BuildTarget, string>): Promise<void> {
  const version = readVersion();
  const release = join(dist, "release");
  const directory = join(release, `v${version}`);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const sums: string[] = [];
  for (const [target, path] of built) {
    const name = `bocker-${target}.gz`;
    const compressed = Bun.gzipSync(await Bun.file(path).bytes(), { level: 9 });
    sums.push(`${new Bun.CryptoHasher("sha256").update(compressed).digest("hex")}  ${name}\n`);
    await Bun.write(join(directory, name), compressed);
    console.log(`dist/release/v${version}/${name}  ${(compressed.length / 1e6).toFixed(0)} MB`);
  }
  await Bun.write(join(directory, "SHA256SUMS"), sums.join(""));
  await Bun.write(join(release, "install.sh"), Bun.file(join(root, "install.sh")));
  await Bun.write(join(release, "latest"), `${version}\n`);
}

async function main(): Promise<void> {
  const { targets, release, plainName } = parseArguments(process.argv.slice(2));
  mkdirSync(dist, { recursive: true });
  const stamp = await sourceStamp();
  const built = new Map<BuildTarget, string>();
  for (const target of targets) {
    const outfile = join(dist, plainName ? "bocker" : `bocker-${target}`);
    await buildExecutable(target, outfile, stamp);
    built.set(target, outfile);
  }
  if (release) await layOutRelease(built);
}

await main().catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)));
