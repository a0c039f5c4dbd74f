/**
 * What a value of Go's is beyond its JSON: a struct with its fields in order, a pointer to nothing, a list or map that is nil, a
 * number that prints as words. In JSON all of them are what they came from. Pure.
 */

/** Neither a map nor a list for templates. */
export abstract class GoObject {
  constructor(protected readonly json: unknown) {}

  toJSON(): unknown {
    return this.json;
  }
}

export class GoStruct extends GoObject {
  constructor(
    json: Readonly<Record<string, unknown>>,
    readonly name: string,
    /** By their names in Go. */
    readonly fields: ReadonlyMap<string, unknown>,
  ) {
    super(json);
  }

  /** By its name in Go, or else its key in JSON. */
  has(name: string): boolean {
    return this.fields.has(name) || Object.hasOwn(this.json as object, name);
  }

  get(name: string): unknown {
    return this.fields.has(name)
      ? this.fields.get(name)
      : (this.json as Readonly<Record<string, unknown>>)[name];
  }
}

export class NilPointer extends GoObject {
  constructor() {
    super(null);
  }
}

/** time.Duration, time.Time, *units.Ulimit: their String method. */
export class GoStringer extends GoObject {
  constructor(
    json: unknown,
    readonly text: string,
  ) {
    super(json);
  }
}

export class NilList extends Array<never> {
  toJSON(): null {
    return null;
  }
}

export class NilMap {
  toJSON(): null {
    return null;
  }
}

const zero = Symbol("zero");

/** A map of Go's, of which `index` gives `zeroValue` where there is no such key. */
export function goMap(entries: Iterable<readonly [string, unknown]>, zeroValue: unknown): object {
  return Object.assign(Object.fromEntries(entries), { [zero]: zeroValue });
}

/** Undefined for a map that is only JSON. */
export function zeroOf(map: object): unknown {
  return (map as { readonly [zero]?: unknown })[zero];
}
