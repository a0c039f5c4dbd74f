/**
 * What the walls cost a run: the same container with all of them, without the seccomp filter, without masked and read-only
 * paths, and without either. The filter is compiled and installed, each path is a mount: the difference is their time.
 */
import type { Workspace } from "../lib/workspace.ts";
import { measure, renderTimings } from "./measure.ts";

const openings: Readonly<Record<string, readonly string[]>> = {
  "all walls": [],
  "no seccomp filter": ["seccomp=unconfined"],
  "no masked paths": ["systempaths=unconfined"],
  neither: ["seccomp=unconfined", "systempaths=unconfined"],
};

export async function benchWalls({
  binary,
  bocker,
  rounds,
}: {
  readonly binary: string;
  readonly bocker: Workspace;
  readonly rounds: number;
}): Promise<string> {
  const contestants = Object.entries(openings).map(([name, options]) => ({
    name,
    argv: [
      ...[binary, "run", "--rm", "--network", "none"],
      ...options.flatMap((option) => ["--security-opt", option]),
      ...["busybox", "true"],
    ],
    env: bocker.env,
  }));
  return renderTimings("the walls of run --rm --network none", measure(contestants, rounds * 3));
}
