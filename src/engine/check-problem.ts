/**
 * What `system check` finds: one thing that is not as it should be, and how it can be put right. Types only.
 */
export interface Problem {
  /** One line: the object, then what is wrong with it. */
  readonly what: string;
  /** Puts it right; absent: only a person can, as `hint` says. Throws when it could not. */
  readonly repair?: () => unknown;
  readonly hint?: string;
}
