/** What a mistyped word of a Dockerfile was most likely meant to be, in the words of docker's builder. Pure. */
import { nearestName } from "../../security/nearest-name.ts";

/** ` (did you mean cache?)`, to stand behind the message; empty where nothing is near. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearestName(word, known);
  return meant === undefined ? "" : ` (did you mean ${meant}?)`;
}
