/**
 * The keys that leave a container's terminal without ending it (`--detach-keys`, docker's syntax), and finding them in
 * what is typed. Pure.
 *
 * Syntax: comma-separated, each a character or `ctrl-X` with X one of a-z @ [ \ ] ^ _. Follows docker's
 * term.ToBytes and its escape proxy.
 */
import { BockerError } from "../errors.ts";

export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** The bytes to look for; the empty text is the default. Throws BockerError with docker's words. */
export function parseDetachKeys(text: string): Uint8Array {
  const keys = text === "" ? defaultDetachKeys : text;
  return Uint8Array.from(keys.split(",").map((key) => parseKey(key, text)));
}

function parseKey(key: string, text: string): number {
  const letter = /^ctrl-([a-z@[\\\]^_])$/.exec(key)?.[1];
  if (letter !== undefined) return letter.charCodeAt(0) & 0x1f;
  if (key.length === 1 && key.charCodeAt(0) < 0x80) return key.charCodeAt(0);
  throw new BockerError(`invalid detach keys (${text}) provided`, {
    kind: "usage",
    hint: 'keys are characters or ctrl-a … ctrl-z, ctrl-@, ctrl-[, ctrl-\\, ctrl-], ctrl-^, ctrl-_, as in "ctrl-p,ctrl-q"',
  });
}

export interface ScannedKeys {
  /** What is for the container: a started sequence is held back until it turns out to be none. */
  readonly input: Uint8Array;
  readonly detach: boolean;
}

export class DetachKeyScanner {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** Behind the sequence nothing is looked at any more. */
  scan(typed: Uint8Array): ScannedKeys {
    const input: number[] = [];
    for (const byte of typed) {
      if (byte !== this.#keys[this.#matched]) {
        input.push(...this.#keys.subarray(0, this.#matched));
        this.#matched = 0;
      }
      if (byte !== this.#keys[this.#matched]) input.push(byte);
      else if (++this.#matched === this.#keys.byteLength)
        return { input: Uint8Array.from(input), detach: true };
    }
    return { input: Uint8Array.from(input), detach: false };
  }

  /** What is still held back, when the input ends. */
  finish(): Uint8Array {
    const held = this.#keys.slice(0, this.#matched);
    this.#matched = 0;
    return held;
  }
}
