/**
 * The hint for a word that is not known: the known one it most likely meant. Pure.
 */
import { nearestName } from "../security/nearest-name.ts";

/** `did you mean "--name"?`, with `prefix` before the name; undefined when nothing is near. */
export function hintNearest(word: string, known: readonly string[], prefix = ""): string | undefined {
  const nearest = nearestName(word, known);
  // Two of three letters changed is another word, unless it begins the same.
  const isFar = word.length < 4 && nearest?.charAt(0) !== word.charAt(0);
  return nearest === undefined || isFar ? undefined : `did you mean "${prefix}${nearest}"?`;
}
