/**
 * `--storage-opt size=SIZE`. Pure. Phrases: docker/cli's and the overlay2 driver's.
 */
import { parseBytes } from "./option-value.ts";

/** Bytes. Throws Error(reason) for other options: no driver here has any. */
export function parseStorageSize(text: string): number {
  const equals = text.indexOf("=");
  if (equals < 0) throw new Error("invalid storage option");
  const key = text.slice(0, equals);
  if (key.toLowerCase() !== "size") throw new Error(`Unknown option ${key}`);
  const bytes = parseBytes(text.slice(equals + 1));
  if (bytes <= 0) throw new Error(`invalid size: '${text.slice(equals + 1)}'`);
  return bytes;
}
