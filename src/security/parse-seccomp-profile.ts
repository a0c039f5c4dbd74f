/**
 * docker's seccomp JSON (and the runtime spec's `linux.seccomp`) to a SeccompProfile.
 *
 * Pure. Everything is checked, with its path in the message: a field nobody reads would be a hole that looks closed.
 * Numbers beyond 2^53 keep their digits. Format: https://docs.docker.com/engine/security/seccomp/.
 */
import { BockerError } from "../errors.ts";
import { nearestName } from "./nearest-name.ts";
import type { SeccompCondition, SeccompProfile, SeccompProfileRule } from "./seccomp-profile.ts";
import { type SeccompArg, seccompActions, seccompOperators } from "./seccomp-rule.ts";

/** Reads the text of a profile file; `name` is for messages. */
export function parseSeccompProfile(text: string, name: string): SeccompProfile {
  let value: unknown;
  try {
    value = JSON.parse(text, keepBigNumbers);
  } catch (error) {
    throw new BockerError(`cannot read seccomp profile "${name}": Decoding seccomp profile failed`, {
      kind: "invalid-config",
      cause: error,
    });
  }
  return new ProfileReader(name).profile(value);
}

/** ES2025 gives a reviver the source text; a number that lost digits becomes a bigint. */
function keepBigNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && /^\d+$/.test(source) ? BigInt(source) : value;
}

type Json = Readonly<Record<string, unknown>>;

class ProfileReader {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  profile(value: unknown): SeccompProfile {
    const json = this.#object(value, "", [
      "defaultAction",
      "defaultErrnoRet",
      "defaultErrno",
      "architectures",
      "archMap",
      "flags",
      "listenerPath",
      "listenerMetadata",
      "syscalls",
    ]);
    if (json.listenerPath !== undefined || json.listenerMetadata !== undefined) {
      this.#fail("listenerPath", "seccomp notification is not supported");
    }
    return {
      defaultAction: this.#word(json.defaultAction, "defaultAction", seccompActions),
      ...this.#optional("defaultErrnoRet", json.defaultErrnoRet, (v, at) => this.#errno(v, at)),
      ...this.#optional("architectures", json.architectures, (v, at) => this.#strings(v, at)),
      ...this.#optional("archMap", json.archMap, (v, at) =>
        this.#array(v, at).map((e, i) => this.#archMap(e, `${at}[${i}]`)),
      ),
      ...this.#optional("flags", json.flags, (v, at) => this.#strings(v, at)),
      ...this.#optional("syscalls", json.syscalls, (v, at) =>
        this.#array(v, at).map((e, i) => this.#rule(e, `${at}[${i}]`)),
      ),
    };
  }

  #archMap(value: unknown, at: string): NonNullable<SeccompProfile["archMap"]>[number] {
    const json = this.#object(value, at, ["architecture", "subArchitectures"]);
    const subArchitectures = json.subArchitectures ?? [];
    return {
      architecture: this.#string(json.architecture, `${at}.architecture`),
      subArchitectures: this.#strings(subArchitectures, `${at}.subArchitectures`),
    };
  }

  #rule(value: unknown, at: string): SeccompProfileRule {
    const json = this.#object(value, at, [
      "name",
      "names",
      "action",
      "errnoRet",
      "errno",
      "args",
      "comment",
      "includes",
      "excludes",
    ]);
    if (json.name !== undefined && json.names !== undefined) {
      this.#fail(
        at,
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    const names = json.name === undefined ? json.names : [json.name];
    return {
      names: this.#strings(names, `${at}.names`),
      action: this.#word(json.action, `${at}.action`, seccompActions),
      ...this.#optional("errnoRet", json.errnoRet, (v) => this.#errno(v, `${at}.errnoRet`)),
      ...this.#optional("args", json.args, (v) =>
        this.#array(v, `${at}.args`).map((e, i) => this.#arg(e, `${at}.args[${i}]`)),
      ),
      ...this.#optional("comment", json.comment, (v) => this.#string(v, `${at}.comment`)),
      ...this.#optional("includes", json.includes, (v) => this.#condition(v, `${at}.includes`)),
      ...this.#optional("excludes", json.excludes, (v) => this.#condition(v, `${at}.excludes`)),
    };
  }

  #arg(value: unknown, at: string): SeccompArg {
    const json = this.#object(value, at, ["index", "value", "valueTwo", "op"]);
    const { index } = json;
    if (typeof index !== "number" || !Number.isInteger(index) || index < 0 || index > 5) {
      return this.#fail(`${at}.index`, "expected 0 to 5");
    }
    return {
      index,
      value: this.#unsigned(json.value, `${at}.value`),
      ...this.#optional("valueTwo", json.valueTwo, (v) => this.#unsigned(v, `${at}.valueTwo`)),
      op: this.#word(json.op, `${at}.op`, seccompOperators),
    };
  }

  #condition(value: unknown, at: string): SeccompCondition {
    const json = this.#object(value, at, ["caps", "arches", "minKernel"]);
    return {
      ...this.#optional("caps", json.caps, (v) => this.#strings(v, `${at}.caps`)),
      ...this.#optional("arches", json.arches, (v) => this.#strings(v, `${at}.arches`)),
      ...this.#optional("minKernel", json.minKernel, (v) => this.#kernel(v, `${at}.minKernel`)),
    };
  }

  #kernel(value: unknown, at: string): string {
    const text = this.#string(value, at);
    const valid = /^\d{1,3}\.\d{1,3}$/.test(text) && !/^0+\.0+$/.test(text);
    return valid ? text : this.#fail(at, `invalid kernel version: "${text}", expected "<kernel>.<major>"`);
  }

  /** A 64-bit word: 0 to 2^64-1. */
  #unsigned(value: unknown, at: string): number | bigint {
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    if (typeof value === "bigint" && value < 1n << 64n) return value;
    return this.#fail(at, "expected an unsigned 64-bit number");
  }

  #errno(value: unknown, at: string): number {
    const valid = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff;
    return valid ? value : this.#fail(at, "expected an errno number");
  }

  #word<Word extends string>(value: unknown, at: string, words: readonly Word[]): Word {
    const text = this.#string(value, at);
    const word = words.find((known) => known === text);
    if (word !== undefined) return word;
    const nearest = nearestName(text, words);
    return this.#fail(at, `unknown word "${text}"`, nearest && `did you mean ${nearest}?`);
  }

  #strings(value: unknown, at: string): readonly string[] {
    return this.#array(value, at).map((entry, index) => this.#string(entry, `${at}[${index}]`));
  }

  #string(value: unknown, at: string): string {
    return typeof value === "string" ? value : this.#fail(at, "expected a string");
  }

  #array(value: unknown, at: string): readonly unknown[] {
    return Array.isArray(value) ? value : this.#fail(at, "expected a list");
  }

  /** An object with no other keys than these. */
  #object(value: unknown, at: string, keys: readonly string[]): Json {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.#fail(at, "expected an object");
    }
    for (const key of Object.keys(value)) {
      if (keys.includes(key)) continue;
      const nearest = nearestName(key, keys);
      this.#fail(at === "" ? key : `${at}.${key}`, "unknown field", nearest && `did you mean "${nearest}"?`);
    }
    return value as Json;
  }

  /** `{ key: read(value) }`, or nothing for what is absent or null (Go writes null for empty). */
  #optional<Key extends string, T>(
    key: Key,
    value: unknown,
    read: (value: unknown, at: string) => T,
  ): { readonly [K in Key]?: T } {
    return value === undefined || value === null ? {} : ({ [key]: read(value, key) } as { [K in Key]: T });
  }

  #fail(at: string, reason: string, hint?: string): never {
    const place = at === "" ? "" : ` at ${at}`;
    throw new BockerError(`invalid seccomp profile "${this.#name}"${place}: ${reason}`, {
      kind: "invalid-config",
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
