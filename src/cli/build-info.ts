/**
 * What the build wrote into the executable; see .ci/compile.ts. Run from source, there is nothing to tell.
 */

declare const BOCKER_VERSION: string | undefined;

/** The version in package.json; `source` when not compiled. */
export const version: string = typeof BOCKER_VERSION === "string" ? BOCKER_VERSION : "source";
