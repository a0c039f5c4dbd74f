/**
 * Writes a tape: system calls as init.c reads them, in one buffer. The layout is ffi/native/tape.h's.
 *
 * Knows calls, pointers and slots; what the calls are for is src/launch's, how an operation becomes calls
 * src/runtime's. Pure memory: nothing here talks to the kernel.
 */
import { type SyscallName, syscallNumber } from "./syscall-number.ts";

export const tapeMagic = 0x31544b42;
export const tapeHeaderBytes = 32;
export const tapeOperationBytes = 64;
/** Slots that init has; the highest number means none. */
export const tapeSlots = 1024;
const noSlot = 0xffff;
const maxIgnored = 5;

export const tapeKind = {
  syscall: 0,
  fork: 1,
  wait: 2,
  verifyCwd: 3,
  report: 4,
  copy: 5,
  execve: 6,
} as const;

/** What init writes to the status pipe; 16 bytes a record: u32 kind, u32 index, i32 errno, i32 detail. */
export const statusKind = { failed: 1, forked: 2, ready: 3 } as const;
export const statusRecordBytes = 16;

/** A place in the blob, with the words inside it that are addresses of other places. */
export interface TapeData {
  readonly bytes: Uint8Array;
  /** 64-bit words at these offsets hold the address of that data. */
  readonly pointers?: readonly { readonly at: number; readonly to: TapeArgument & object }[];
}

export type TapeArgument =
  | number
  | bigint
  | null
  /** A C string. */
  | string
  | TapeData
  /** What an earlier call kept. */
  | { readonly slot: number };

export interface TapeOptions {
  readonly keep?: number | undefined;
  readonly unless?: number | undefined;
  /** Errno numbers that count as done. */
  readonly ignore?: readonly number[] | undefined;
}

interface Operation {
  readonly kind: number;
  readonly number: number;
  readonly args: readonly TapeArgument[];
  readonly options: TapeOptions;
  /** Index of the plan's operation, which failures are told by. */
}

const encoder = new TextEncoder();

export class TapeWriter {
  readonly #operations: Operation[] = [];
  readonly #chunks: { readonly bytes: Uint8Array; readonly at: number }[] = [];
  readonly #places = new Map<string | TapeData, number>();
  readonly #relocations: { readonly at: number; readonly to: number }[] = [];
  #blobBytes = 0;

  /** Operations so far: the index of the next one. */
  get length(): number {
    return this.#operations.length;
  }

  call(name: SyscallName, args: readonly TapeArgument[], options: TapeOptions = {}): void {
    this.#operations.push({ kind: tapeKind.syscall, number: syscallNumber[name], args, options });
  }

  /** One of init's own operations. */
  own(kind: Exclude<keyof typeof tapeKind, "syscall">, args: readonly TapeArgument[] = []): void {
    this.#operations.push({ kind: tapeKind[kind], number: 0, args, options: {} });
  }

  /** The finished tape. */
  finish(): Uint8Array {
    const operations = this.#operations.map((operation) => this.#place(operation));
    const relocationOffset = tapeHeaderBytes + operations.length * tapeOperationBytes;
    const blobOffset = align(relocationOffset + this.#relocations.length * 4);
    const tape = new Uint8Array(blobOffset + this.#blobBytes);
    const view = new DataView(tape.buffer);
    view.setUint32(0, tapeMagic, true);
    view.setUint32(4, operations.length, true);
    view.setUint32(8, relocationOffset, true);
    view.setUint32(12, this.#relocations.length, true);
    for (const { bytes, at } of this.#chunks) tape.set(bytes, blobOffset + at);
    this.#relocations.forEach(({ at, to }, index) => {
      view.setUint32(relocationOffset + index * 4, blobOffset + at, true);
      view.setBigUint64(blobOffset + at, BigInt(blobOffset + to), true);
    });
    operations.forEach((placed, index) => {
      writeOperation(view, tapeHeaderBytes + index * tapeOperationBytes, placed, blobOffset);
    });
    return tape;
  }

  #place(operation: Operation): PlacedOperation {
    let pointers = 0;
    let slots = 0;
    const words = operation.args.map((argument, index) => {
      if (typeof argument === "number") return argument;
      if (argument === null) return 0;
      if (typeof argument === "bigint") return argument;
      if (typeof argument === "object" && "slot" in argument) {
        slots |= 1 << index;
        return argument.slot;
      }
      pointers |= 1 << index;
      return this.#data(argument);
    });
    return { operation, words, pointers, slots };
  }

  /** Offset of the data in the blob; equal strings share one. */
  #data(data: string | TapeData): number {
    const known = this.#places.get(data);
    if (known !== undefined) return known;
    const bytes = typeof data === "string" ? encoder.encode(`${data}\0`) : data.bytes;
    if (typeof data === "string" && bytes.indexOf(0) !== bytes.length - 1) {
      throw new RangeError(`NUL byte in ${JSON.stringify(data)}`);
    }
    const at = this.#blobBytes;
    this.#blobBytes = align(at + bytes.length);
    this.#chunks.push({ bytes, at });
    this.#places.set(data, at);
    for (const pointer of typeof data === "string" ? [] : (data.pointers ?? [])) {
      if ("slot" in pointer.to) throw new RangeError("a slot inside a struct cannot be put on tape");
      this.#relocations.push({ at: at + pointer.at, to: this.#data(pointer.to) });
    }
    return at;
  }
}

interface PlacedOperation {
  readonly operation: Operation;
  readonly words: readonly (number | bigint)[];
  readonly pointers: number;
  readonly slots: number;
}

/** struct tape_op. */
function writeOperation(view: DataView, at: number, placed: PlacedOperation, blobOffset: number): void {
  const { operation, words, pointers, slots } = placed;
  const { keep = noSlot, unless = noSlot, ignore = [] } = operation.options;
  if (ignore.length > maxIgnored) throw new RangeError("too many ignored errors for one operation");
  view.setUint32(at, operation.number, true);
  view.setUint16(at + 4, keep, true);
  view.setUint16(at + 6, unless, true);
  view.setUint8(at + 8, operation.kind);
  view.setUint8(at + 9, operation.kind === tapeKind.syscall ? pointers : 0);
  view.setUint8(at + 10, slots);
  for (const [index, errno] of ignore.entries()) view.setUint8(at + 11 + index, errno);
  words.forEach((word, index) => {
    const value = pointers & (1 << index) ? Number(word) + blobOffset : word;
    view.setBigInt64(at + 16 + index * 8, BigInt(value), true);
  });
}

function align(offset: number): number {
  return (offset + 7) & ~7;
}

/** A NULL-terminated array of C strings, as execve(2) takes it. */
export function stringArray(strings: readonly string[]): TapeData {
  return {
    bytes: new Uint8Array((strings.length + 1) * 8),
    pointers: strings.map((text, index) => ({ at: index * 8, to: cStringData(text) })),
  };
}

function cStringData(text: string): TapeData {
  if (text.includes("\0")) throw new RangeError(`NUL byte in ${JSON.stringify(text)}`);
  return { bytes: encoder.encode(`${text}\0`) };
}
