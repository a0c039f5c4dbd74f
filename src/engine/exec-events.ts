/**
 * The events of a further process in a container: docker's `exec_create: ARGS`, `exec_start: ARGS`, `exec_die`. The end
 * of a detached one nobody sees, so nobody tells of it.
 */
import { randomId } from "../host/random-id.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { Engine } from "./engine.ts";

export class ExecEvents {
  readonly #execID = randomId();

  /** Tells of the start, which has just been. */
  constructor(
    private readonly engine: Engine,
    private readonly containerId: string,
    args: readonly string[],
  ) {
    engine.state.transaction(() => {
      for (const action of ["exec_create", "exec_start"]) this.#tell(`${action}: ${args.join(" ")}`, {});
    });
  }

  noteEnd(exitCode: number): void {
    this.#tell("exec_die", { exitCode: String(exitCode) });
  }

  #tell(action: string, more: Readonly<Record<string, string>>): void {
    appendContainerEvent(this.engine.state, this.containerId, action, { ...more, execID: this.#execID });
  }
}
