/**
 * What docker's client takes and its daemon refuses: `run` ends with 125 for either, `create` only for what the client
 * refuses, and with 1 for this.
 */
import { BockerError } from "../errors.ts";

export class EngineRefusal extends Error {}

/** The one that an error is, or comes of. */
export function refusalOf(error: unknown): EngineRefusal | undefined {
  const refusal = error instanceof BockerError ? error.cause : error;
  return refusal instanceof EngineRefusal ? refusal : undefined;
}

/** Whether an error of resolveRunRequest was one. */
export function isEngineRefusal(error: unknown): boolean {
  return refusalOf(error) !== undefined;
}
