/**
 * A tree that COPY takes files from: the build context, the files of a stage or image, or a named context.
 */
import { IgnoreRules } from "./ignore-file.ts";

export interface SourceTree {
  /** O_PATH or readable descriptor of its root directory; stays its maker's. */
  readonly root: number;
  /** What does not belong to it though it is there. Paths as .dockerignore has them. */
  readonly ignore: IgnoreRules;
  /** For messages: the context's folder, a stage's name. */
  readonly label: string;
  /** Its files belong to root, whoever has them on this machine; and their times say nothing. */
  readonly isContext: boolean;
  /** An archive that ADD has unpacked: `--chmod` leaves it alone, and what is in its way gives way. */
  readonly isArchive?: true;
}

/** The files of a stage or image: all of them, and as they are. */
export function layerTree(root: number, label: string): SourceTree {
  return { root, ignore: new IgnoreRules(), label, isContext: false };
}
