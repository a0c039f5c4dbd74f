/**
 * A mark that the firewall may say something else than the state: after a failure, a crash, another backend.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import type { HostStep } from "../host/step.ts";
import type { NetworkOptions } from "./network-options.ts";

/**
 * Notes that the firewall may say something that the state knows nothing of any more: the next change declares all
 * anew, so that what is left of a container never leads to the next one at its address.
 */
export function markStale({ runFolder }: NetworkOptions): void {
  mkdirSync(runFolder, { recursive: true, mode: 0o700 });
  writeFileSync(staleFile(runFolder), "");
}

/** The step behind rules that are declared anew. */
export function freshSteps({ runFolder }: NetworkOptions): HostStep[] {
  const path = staleFile(runFolder);
  return existsSync(path) ? [{ label: "note that the rules are right", kind: "remove", path }] : [];
}

/** Whether they are to be declared anew. */
export function isStale({ runFolder }: NetworkOptions): boolean {
  return existsSync(staleFile(runFolder));
}

function staleFile(runFolder: string): string {
  return `${runFolder}/stale-rules`;
}
