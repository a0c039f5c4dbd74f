/**
 * Between the container's set-up and its command: descriptors that are passed on, and the gate at which init waits
 * for `start` (src/runtime/start-gate.ts).
 */
import type { SpecProcess } from "../spec/oci.ts";
import type { ProcessContext } from "./context.ts";
import { executableCandidates } from "./executable.ts";
import type { PlanBuilder } from "./plan-builder.ts";

/** What a gate makes a plan inherit. */
export const gateNames = ["start", "result"] as const;

/** The filter is loaded by now: this takes no more than write and read, as execve's report would. */
export function planGate(builder: PlanBuilder, { result, start }: Gate): void {
  builder
    .step("waiting for start")
    .add(
      { call: "report", reached: "created" },
      { call: "rewire", status: result, go: start },
      { call: "wait", for: "start" },
    );
}

/** Descriptor names of a gate's two ends. */
export interface Gate {
  readonly start: string;
  readonly result: string;
}

/**
 * Puts the descriptors that the command gets beyond its streams in place, and init's own out of their way. While all
 * calls are still allowed; nothing that is inherited by number is needed after it.
 */
export function planPreserved(
  builder: PlanBuilder,
  { preserveFds = 0, gate }: ProcessContext & { readonly gate?: true },
): Gate | undefined {
  if (preserveFds === 0) return gate === true ? { start: "start", result: "result" } : undefined;
  builder.step("passing descriptors on");
  const raise = (fd: string): string => {
    const keep = builder.name(fd);
    builder.add({ call: "fcntl", fd, command: "F_DUPFD_CLOEXEC", argument: 3 + preserveFds, keep });
    return keep;
  };
  const [status, go] = [raise("status"), raise("go")];
  builder.add({ call: "rewire", status, go });
  const raised = gate === true ? { start: raise("start"), result: raise("result") } : undefined;
  for (const [index, fd] of preservedNames({ preserveFds }).entries()) {
    builder.add({ call: "dup3", fd, to: 3 + index });
  }
  return raised;
}

/** Names of the descriptors that planPreserved puts in place. The last ones inherited, so that none is overwritten early. */
export function preservedNames({ preserveFds = 0 }: Pick<ProcessContext, "preserveFds">): readonly string[] {
  return Array.from({ length: preserveFds }, (_, index) => `preserve${index}`);
}

/** The engine that creates is not the one that starts: a command that is missing is told to the first. */
export function planFind(builder: PlanBuilder, { args = [], env = [] }: SpecProcess): void {
  const word = args[0] ?? "";
  builder.step(`exec: ${JSON.stringify(word)}`);
  builder.add({ call: "find", candidates: executableCandidates(word, env), args });
}
