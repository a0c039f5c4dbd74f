/**
 * Pulling from a registry on loopback: a four-layer image of this machine's own programs, fetched, verified and
 * unpacked. Between two rounds, untimed, each engine forgets the image.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startRegistry } from "../lib/registry-fixture.ts";
import { type Contestant, measure, renderTimings } from "./measure.ts";
import type { Peer } from "./peer.ts";

export interface PullBench {
  readonly directory: string;
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly peers: readonly Peer[];
}

/** Hundreds of megabytes that every test machine has: large files, small files, text, objects. */
const layers = ["/usr/bin", "/usr/share", "/usr/lib/gcc", "/usr/sbin"].filter((path) => existsSync(path));
const pullRounds = 3;

/** The table; downloads, hashing, decompression and writing are all in the time. */
export async function benchPull({ directory, binary, env, peers }: PullBench): Promise<string> {
  await using registry = await startRegistry();
  const name = `${registry.host}/bench:1`;
  uploadImage(join(directory, "layout"), name);
  const contestants: Contestant[] = [
    { name: "bocker pull", argv: [binary, "pull", "-q", name], after: [binary, "rmi", "-f", name], env },
    ...peers.map((peer) => ({
      name: `${peer.name} pull`,
      argv: [...peer.argv, "pull", "-q", ...(peer.name === "podman" ? ["--tls-verify=false"] : []), name],
      after: [...peer.argv, "rmi", "-f", name],
    })),
  ];
  const size = layers.reduce((sum, path) => sum + megabytes(path), 0);
  return renderTimings(
    `pull of ${layers.length} layers, ${size} MB unpacked`,
    measure(contestants, pullRounds),
  );
}

function uploadImage(layout: string, name: string): void {
  run("umoci", "init", "--layout", layout);
  run("umoci", "new", "--image", `${layout}:bench`);
  for (const path of layers) run("umoci", "insert", "--image", `${layout}:bench`, path, path);
  run("skopeo", "copy", "--quiet", "--dest-tls-verify=false", `oci:${layout}:bench`, `docker://${name}`);
}

function megabytes(path: string): number {
  return Math.round(Number(run("du", "-sx", "--block-size=1000000", path).split("\t")[0]));
}

function run(...argv: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv]);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString();
}
