/**
 * What docker's client takes and its daemon refuses: `run` ends with 125 for either, `create` only for what the client
 * refuses, and with 1 for this.
 */
import { BockerError } from "../errors.ts";

export class EngineRefusal extends Error {}

/** Whether an error of resolveRunRequest was one. */
export function isEngineRefusal(error: unknown): boolean {
  return error instanceof BockerError && error.cause instanceof EngineRefusal;
}
