/**
 * One member of a tar archive, with everything a layer can say about a file.
 *
 * Names and link targets keep their bytes, one a character ("latin1"): file names on Linux are not text, and a
 * layer made elsewhere must come out byte for byte. Types only.
 */
import type { Timespec } from "../../ffi/file-metadata.ts";
import type { SparseRange } from "./sparse-map.ts";

export type TarEntryKind =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character-device"
  | "block-device"
  | "fifo";

export interface TarEntry {
  readonly kind: TarEntryKind;
  /** As written in the archive: may be absolute, hold `..`, end in a slash. */
  readonly name: string;
  readonly linkName: string;
  /** Permission bits with setuid, setgid and sticky: 0 … 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow in the archive; a sparse file is larger, see `sparse`. */
  readonly size: number;
  readonly modified: Timespec;
  readonly accessed: Timespec;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Name to value; values are bytes (a file capability is 20 of them). */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  readonly sparse?: { readonly realSize: number; readonly ranges: readonly SparseRange[] };
}

/** Hears an archive in order: entry, its data in pieces, end of the entry. May throw to stop. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /** Valid during the call only. */
  data(chunk: Uint8Array): void;
  endEntry(): void;
}
