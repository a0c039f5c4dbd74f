/**
 * bocker's own version: package.json's, put in by the build; a checkout that runs from its sources says so.
 */

declare const BOCKER_VERSION: string;

/** `0.1.0`. */
export function bockerVersion(): string {
  return typeof BOCKER_VERSION === "string" ? BOCKER_VERSION : "0.0.0-source";
}
