/**
 * The list of operations while it is being made: hands out descriptor names and remembers the current step's words.
 * Local to planning; a finished plan is a plain array.
 */
import type { LaunchOperation } from "./plan.ts";

type WithoutStep<Operation> = Operation extends unknown
  ? Omit<Operation, "step"> & { readonly step?: string }
  : never;

export class PlanBuilder {
  readonly operations: LaunchOperation[] = [];
  /** Whether paths in the container may lead out of it by magic links: see make-target.ts. */
  readonly hasWayOut: boolean;
  #step = "starting";
  #names = 0;
  readonly #directories = new Set<string>();

  constructor(hasWayOut = false) {
    this.hasWayOut = hasWayOut;
  }

  /** What the following operations are for; see Common.step. */
  step(step: string): this {
    this.#step = step;
    return this;
  }

  add(...operations: readonly WithoutStep<LaunchOperation>[]): this {
    for (const operation of operations)
      this.operations.push({ step: this.#step, ...operation } as LaunchOperation);
    return this;
  }

  /** True the first time a directory is asked for: it is there from then on, until a mount covers it. */
  needsDirectory(path: string): boolean {
    if (this.#directories.has(path)) return false;
    this.#directories.add(path);
    return true;
  }

  /** A mount on `path` hides what was made below it. */
  covered(path: string): void {
    for (const made of this.#directories) if (made.startsWith(`${path}/`)) this.#directories.delete(made);
  }

  /** A descriptor name that nothing else has: `proc.1`. */
  name(stem: string): string {
    this.#names++;
    return `${stem}.${this.#names}`;
  }
}
