/**
 * What is told of a further process in a container: docker's `exec_create: ARGS`, `exec_start: ARGS`, `exec_detach`,
 * `exec_die`; and that it is there, in between.
 */
import { randomId } from "../host/random-id.ts";
import { appendContainerEvent } from "../state/event.ts";
import { insertExec, removeExec } from "../state/exec.ts";
import type { ProcessIdentity } from "../state/record.ts";
import type { Engine } from "./engine.ts";

export class ExecEvents {
  readonly execId = randomId();

  /** Tells of the start, which has just been. */
  constructor(
    private readonly engine: Engine,
    readonly containerId: string,
    args: readonly string[],
    process: ProcessIdentity,
  ) {
    const attributes = { execID: this.execId };
    engine.state.transaction(() => {
      for (const action of ["exec_create", "exec_start"])
        appendContainerEvent(engine.state, containerId, `${action}: ${args.join(" ")}`, attributes);
      insertExec(engine.state, this.execId, containerId, process);
    });
  }

  noteDetach(): void {
    appendContainerEvent(this.engine.state, this.containerId, "exec_detach", { execID: this.execId });
  }

  noteEnd(exitCode: number): void {
    noteExecEnd(this.engine, this.containerId, this.execId, exitCode);
  }
}

/** Of a process whose start another process image has told of. */
export function noteExecEnd({ state }: Engine, containerId: string, execId: string, exitCode: number): void {
  state.transaction(() => {
    appendContainerEvent(state, containerId, "exec_die", { exitCode: String(exitCode), execID: execId });
    removeExec(state, execId);
  });
}
