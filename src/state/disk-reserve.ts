/**
 * A little space beside the database that is given up when the disk is full.
 *
 * A container can fill the disk, and removing it frees the space again, but that has to be written down first: without
 * a reserve there would be no way out but deleting files by hand.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";

/** A removal writes a few pages of four kilobytes, each a few times. */
const reserveBytes = 512 * 1024;

const pathOf = (database: string): string => `${database}.reserve`;

/** Makes the reserve where there is none and space for it. Costs one look otherwise. */
export function keepReserve(database: string): void {
  if (existsSync(pathOf(database))) return;
  try {
    writeFileSync(pathOf(database), new Uint8Array(reserveBytes), { mode: 0o600 });
  } catch {
    // Half a reserve would pass for a whole one.
    releaseReserve(database);
  }
}

/** Gives the space back to the file system; false when there was none, or it cannot be. */
export function releaseReserve(database: string): boolean {
  try {
    rmSync(pathOf(database));
    return true;
  } catch {
    return false;
  }
}
