/**
 * Builds beside podman's (buildah) and docker's: all steps cached, steps that do nothing, and many small files.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Contestant, measure, renderTimings } from "./measure.ts";
import type { Peer } from "./peer.ts";

const smallFiles = 20_000;

interface Builder {
  readonly name: string;
  readonly argv: readonly string[];
  readonly flags: readonly string[];
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface BuildBench {
  readonly directory: string;
  readonly binary: string;
  readonly bocker: { readonly env: Readonly<Record<string, string>> };
  readonly peers: readonly Peer[];
  readonly rounds: number;
}

/** Three tables. Every engine has its own base image of the same files. */
export async function benchBuild({ directory, binary, bocker, peers, rounds }: BuildBench): Promise<string> {
  const builders: readonly Builder[] = [
    { name: "bocker", argv: [binary], flags: [], image: "busybox", env: bocker.env },
    ...peers.map(({ name, argv, runFlags, image }) => ({ name, argv, flags: runFlags, image })),
  ];
  const few = Math.max(3, Math.floor(rounds / 3));
  const copied = join(directory, "build-copy");
  writeSmallFiles(copied);
  const empty = join(directory, "build-empty");
  mkdirSync(empty);
  const cached = builders.map((each) => build(each, empty, twentySteps, []));
  const idle = builders.map((each) => build(each, empty, tenSteps, ["--no-cache"]));
  const copying = builders.map((each) => build(each, copied, copyAll, ["--no-cache"]));
  return [
    renderTimings("build: 20 steps, all of them cached", measure(cached, rounds)),
    renderTimings("build: ten times RUN true, without cache", measure(idle, few)),
    renderTimings(`build: COPY of ${smallFiles} small files, without cache`, measure(copying, few)),
  ].join("\n");
}

const copyAll = (image: string) => `FROM ${image}\nCOPY . /files\n`;
const tenSteps = (image: string) => `FROM ${image}\n${"RUN true\n".repeat(10)}`;

function twentySteps(image: string): string {
  const lines = Array.from({ length: 10 }, (_, at) => `RUN echo ${at} > /step-${at}\nENV STEP_${at}=${at}\n`);
  return `FROM ${image}\n${lines.join("")}`;
}

function build(
  { name, argv, flags, image, env }: Builder,
  context: string,
  text: (image: string) => string,
  options: readonly string[],
): Contestant {
  const file = join(context, "..", `${name.replace(/\W/g, "-")}-${text.name}.dockerfile`);
  writeFileSync(file, text(image));
  return {
    name,
    argv: [...argv, "build", "-q", ...options, ...flags, "-f", file, context],
    ...(env === undefined ? {} : { env }),
  };
}

function writeSmallFiles(directory: string): void {
  for (let at = 0; at < smallFiles; at++) {
    const folder = join(directory, String(at % 200));
    if (at < 200) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${at}`), `file ${at}\n`.repeat(1 + (at % 40)));
  }
}
