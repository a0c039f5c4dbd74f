/**
 * Where a command's first word is looked for: the PATH of the container's own environment, as Go's exec.LookPath
 * does it for runc. The looking itself is init's, inside the container and as its user.
 */

/** Paths to try in order. A word with a slash is taken as it is; no PATH, or none that is absolute: nothing. */
export function executableCandidates(word: string, env: readonly string[]): readonly string[] {
  if (word === "") return [];
  if (word.includes("/")) return [word];
  const path = env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? "";
  return path
    .split(":")
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => (directory.endsWith("/") ? directory + word : `${directory}/${word}`));
}
