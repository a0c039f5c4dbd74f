/**
 * `--volumes-from CONTAINER[:ro|rw]`. Pure; phrases are those of docker's volume/mounts.
 */

export interface VolumesFrom {
  readonly container: string;
  /** Also what the other container may write. */
  readonly readOnly: boolean;
}

/** Throws Error(reason). */
export function parseVolumesFrom(text: string): VolumesFrom {
  if (text === "") throw new Error("volumes-from specification cannot be an empty string");
  const colon = text.indexOf(":");
  if (colon < 0) return { container: text, readOnly: false };
  const [container, mode] = [text.slice(0, colon), text.slice(colon + 1)];
  if (container === "") throw new Error(`invalid volumes-from specification: ${text}`);
  const words = mode.split(",");
  const known = ["ro", "rw", "z", "Z"];
  const isBoth = words.includes("ro") && words.includes("rw");
  if (isBoth || words.some((word) => !known.includes(word))) throw new Error(`invalid mode: ${mode}`);
  return { container, readOnly: words.includes("ro") };
}
