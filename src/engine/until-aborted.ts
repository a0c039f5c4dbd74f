/**
 * Waiting that a signal ends, for what itself cannot be told to stop: standard input, a server's answer. What was waited
 * for goes on unheard.
 */

/** The promise's result. Throws the signal's reason once it is aborted. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  // Heard by nobody where the work has ended before.
  work.catch(() => {});
  aborted.promise.catch(() => {});
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** The pieces as they come. Throws the signal's reason once it is aborted, also while one is waited for. */
export async function* piecesUntilAborted<T>(
  pieces: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const source = pieces[Symbol.asyncIterator]();
  let isOver = false;
  try {
    for (;;) {
      const next = await untilAborted(source.next(), signal);
      if (next.done === true) break;
      yield next.value;
    }
    isOver = true;
  } finally {
    // Not awaited: it may wait for the very piece that nobody wants any more.
    if (!isOver) void source.return?.()?.catch(() => {});
  }
}
