/**
 * Which image arguments are paths. On the way of every run, so it is kept apart from what importing needs.
 */

const archiveSuffix = /\.(?:tar(?:\.(?:gz|xz|zst|bz2))?|tgz|txz|tzst|tbz2?)$/;

/** True for what begins with `/`, `./` or `../` (or is `.` or `..`), and for what ends as a tar does. */
export function isImagePath(argument: string): boolean {
  return /^\.{0,2}\//.test(argument) || argument === "." || argument === ".." || archiveSuffix.test(argument);
}
