/**
 * WORKDIR as the tar of its layer: the directory, and those above it, where they are not there yet.
 */
import { gather } from "../../storage/pack-tree.ts";
import { DockerfileProblem } from "../dockerfile/dockerfile-error.ts";
import type { Location } from "../dockerfile/syntax.ts";
import { IgnoreRules } from "../ignore-file.ts";
import { CopyTarget } from "./copy-target.ts";
import { CopyPacker, type CopyRules } from "./pack-copy.ts";
import type { CopyPlan } from "./plan-copy.ts";

export interface DirectoryRequest extends Pick<CopyRules, "owner" | "seconds"> {
  readonly path: string;
  readonly location: Location;
  /** Descriptor of the files so far; undefined: there are none. */
  readonly targetRoot: number | undefined;
}

/** Its tar is nothing at all where the directory is there. Packing throws DockerfileProblem where a file is in the way. */
export function planDirectory(request: DirectoryRequest): CopyPlan {
  return { pack: () => gather(packDirectory(request)) };
}

function* packDirectory({ path, owner, seconds, targetRoot, location }: DirectoryRequest): Generator<Buffer> {
  const target = new CopyTarget(targetRoot);
  const packer = new CopyPacker(target, {
    owner,
    seconds,
    mode: undefined,
    parentMode: 0o755,
    exclude: new IgnoreRules(),
  });
  try {
    yield* packer.makeDirectories(target.resolve(Buffer.from(path).toString("latin1")));
    yield* packer.end();
  } catch (error) {
    throw error instanceof Error ? new DockerfileProblem(error.message, location) : error;
  }
}
