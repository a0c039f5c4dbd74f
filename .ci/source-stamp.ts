/**
 * One hash over everything an executable is made from: sources, lock file, build programs, commit, Bun and compiler.
 */
import { dirname, join } from "node:path";

const root = dirname(import.meta.dir);

const inputs = [
  "src/**/*",
  "ffi/**/*",
  "images/**/*",
  ".ci/*.ts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/** Hex SHA-256 of the names and contents of all inputs, in order. A couple of milliseconds for a megabyte. */
export async function sourceStamp(): Promise<string> {
  const paths: string[] = [];
  for (const pattern of inputs) {
    for await (const path of new Bun.Glob(pattern).scan({ cwd: root, dot: true })) paths.push(path);
  }
  const hasher = new Bun.CryptoHasher("sha256");
  hasher.update(
    `bun ${Bun.version} cc ${process.env.CC ?? ""} busybox ${process.env.BOCKER_BUSYBOX ?? ""} commit ${readCommit()}\n`,
  );
  for (const path of paths.sort()) {
    const bytes = await Bun.file(join(root, path)).bytes();
    hasher.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return hasher.digest("hex");
}

/** The commit checked out here, 12 digits; empty outside a git checkout, and where git is not installed. */
export function readCommit(): string {
  if (Bun.which("git") === null) return "";
  const { exitCode, stdout } = Bun.spawnSync(["git", "-C", root, "rev-parse", "--short=12", "HEAD"], {
    stderr: "ignore",
  });
  return exitCode === 0 ? stdout.toString().trim() : "";
}
