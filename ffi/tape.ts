/**
 * Writes a tape: system calls as init.c reads them, in one buffer. The layout is ffi/native/tape.h's.
 *
 * Knows calls, pointers and slots; what the calls are for is src/launch's, how an operation becomes calls src/runtime's.
 * Pure memory. It runs once per process, cold: so it is one pass over typed arrays, with few functions and no bigints.
 */
import { type SyscallName, syscallNumber } from "./syscall-number.ts";

export const tapeMagic = 0x31544b42;
export const tapeHeaderBytes = 32;
export const tapeOperationBytes = 64;
/** Slots that init has for kept results. */
export const tapeSlots = 1024;
const noSlot = 0xffff;
const maxIgnored = 5;
const operationWords = tapeOperationBytes / 4;

const tapeKind = {
  syscall: 0,
  fork: 1,
  wait: 2,
  verifyCwd: 3,
  report: 4,
  copy: 5,
  execve: 6,
  drop: 7,
  rewire: 8,
  find: 9,
  verifyFd: 10,
} as const;

/** What `verifyFd` ends the process without (enum verified_fact). */
export const verifiedFact = { "outside-proc": 1, "null-device": 2 } as const;

/** What init writes to the status pipe; 16 bytes a record: u32 kind, u32 index, i32 errno, i32 detail. */
export const statusKind = { failed: 1, forked: 2, ready: 3, reached: 4 } as const;
export const statusRecordBytes = 16;

/** A struct for the blob, with the words inside it that are addresses of other data. */
export interface TapeData {
  readonly bytes: Uint8Array;
  /** The 64-bit words at these offsets hold the address of that data. */
  readonly pointers?: readonly { readonly at: number; readonly to: TapeData }[];
}

export type TapeArgument =
  | number
  | null
  /** A C string. */
  | string
  | TapeData
  /** What an earlier call kept. */
  | { readonly slot: number };

export interface TapeOptions {
  /** Slot for the result. */
  readonly keep?: number | undefined;
  /** Skipped where this slot holds a result. */
  readonly unless?: number | undefined;
  /** Errno numbers that count as done. */
  readonly ignore?: readonly number[] | undefined;
}

const encoder = new TextEncoder();

export class TapeWriter {
  #operations = new Uint32Array(256 * operationWords);
  #count = 0;
  #blob = new Uint8Array(16 * 1024);
  #blobBytes = 0;
  readonly #relocations: number[] = [];
  readonly #strings = new Map<string, number>();
  readonly #placed = new Map<TapeData, number>();

  /** Operations so far: the index of the next one. */
  get length(): number {
    return this.#count;
  }

  call(name: SyscallName, args: readonly TapeArgument[], options?: TapeOptions): void {
    this.#write(tapeKind.syscall, syscallNumber[name], args, options);
  }

  /** One of init's own operations. */
  own(kind: Exclude<keyof typeof tapeKind, "syscall">, args: readonly TapeArgument[] = []): void {
    this.#write(tapeKind[kind], 0, args, undefined);
  }

  /** The finished tape. */
  finish(): Uint8Array {
    const operationBytes = this.#count * tapeOperationBytes;
    const relocations = Uint32Array.from(this.#relocations);
    const blobOffset = align(tapeHeaderBytes + operationBytes + relocations.byteLength);
    const tape = new Uint8Array(blobOffset + this.#blobBytes);
    const header = [tapeMagic, this.#count, relocations.length, blobOffset];
    tape.set(new Uint8Array(Uint32Array.from(header).buffer));
    tape.set(new Uint8Array(this.#operations.buffer, 0, operationBytes), tapeHeaderBytes);
    tape.set(new Uint8Array(relocations.buffer), tapeHeaderBytes + operationBytes);
    tape.set(this.#blob.subarray(0, this.#blobBytes), blobOffset);
    return tape;
  }

  /** struct tape_op, as 32-bit words: number, keep | unless, kind | pointers | slots | ignore…, six 64-bit arguments. */
  #write(
    kind: number,
    number: number,
    args: readonly TapeArgument[],
    options: TapeOptions | undefined,
  ): void {
    const at = this.#nextOperation();
    const words = this.#operations;
    let pointers = 0;
    let slots = 0;
    for (let index = 0; index < args.length; index++) {
      const argument = args[index] ?? 0;
      let word: number;
      if (typeof argument === "number") word = argument;
      else if (typeof argument === "object" && "slot" in argument) {
        slots |= 1 << index;
        word = argument.slot;
      } else {
        pointers |= 1 << index;
        word = typeof argument === "string" ? this.#string(argument) : this.#data(argument);
      }
      const high = Math.floor(word / 2 ** 32);
      words[at + 4 + index * 2] = word - high * 2 ** 32;
      words[at + 5 + index * 2] = high;
    }
    words[at] = number;
    words[at + 1] = (options?.keep ?? noSlot) | ((options?.unless ?? noSlot) << 16);
    words[at + 2] = kind | (pointers << 8) | (slots << 16);
    if (options?.ignore !== undefined) this.#ignore(at, options.ignore);
  }

  #ignore(at: number, errnos: readonly number[]): void {
    if (errnos.length > maxIgnored) throw new RangeError("too many ignored errors for one operation");
    const bytes = new Uint8Array(this.#operations.buffer, at * 4 + 11, maxIgnored);
    bytes.set(errnos);
  }

  #nextOperation(): number {
    const at = this.#count * operationWords;
    if (at + operationWords > this.#operations.length) {
      const larger = new Uint32Array(this.#operations.length * 2);
      larger.set(this.#operations);
      this.#operations = larger;
    }
    this.#count++;
    return at;
  }

  /** Offset of a C string in the blob; equal ones share it. */
  #string(text: string): number {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    if (text.includes("\0")) throw new RangeError(`NUL byte in ${JSON.stringify(text)}`);
    const at = this.#reserve(text.length * 3 + 1);
    const { written } = encoder.encodeInto(text, this.#blob.subarray(at));
    this.#blobBytes = align(at + written + 1);
    this.#strings.set(text, at);
    return at;
  }

  #data(data: TapeData): number {
    const known = this.#placed.get(data);
    if (known !== undefined) return known;
    const at = this.#reserve(data.bytes.length);
    this.#blobBytes = align(at + data.bytes.length);
    this.#blob.set(data.bytes, at);
    this.#placed.set(data, at);
    if (data.pointers !== undefined) {
      for (const { at: offset, to } of data.pointers) this.#point(at + offset, this.#data(to));
    }
    return at;
  }

  /** Puts a NULL-terminated array of C strings into the blob, as execve(2) takes it. */
  strings(texts: readonly string[]): number {
    const bytes = (texts.length + 1) * 8;
    const at = this.#reserve(bytes);
    this.#blobBytes = at + bytes;
    for (let index = 0; index < texts.length; index++)
      this.#point(at + index * 8, this.#string(texts[index] ?? ""));
    return at;
  }

  /** The word at `at` becomes the address of the data at `to`. */
  #point(at: number, to: number): void {
    new DataView(this.#blob.buffer).setUint32(at, to, true);
    this.#relocations.push(at);
  }

  /** Where the next data goes, with room for it. The blob is zeroed memory. */
  #reserve(bytes: number): number {
    const needed = this.#blobBytes + bytes + 8;
    if (needed > this.#blob.length) {
      const larger = new Uint8Array(Math.max(needed, this.#blob.length * 2));
      larger.set(this.#blob);
      this.#blob = larger;
    }
    return this.#blobBytes;
  }
}

function align(offset: number): number {
  return (offset + 7) & ~7;
}
