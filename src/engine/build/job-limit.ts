/** How many RUNs of a build may go on at the same time. Who waits is let in first come, first served. */
export class JobLimit {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** undefined: any number. */
  constructor(jobs: number | undefined) {
    this.#free = jobs ?? Number.POSITIVE_INFINITY;
  }

  /** Disposing lets the next one in. Who is in waits for no other that has to come in. */
  async enter(): Promise<Disposable> {
    if (this.#free > 0) this.#free -= 1;
    else {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
    return { [Symbol.dispose]: () => this.#leave() };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
