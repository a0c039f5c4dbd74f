/**
 * Signals to a container: its first process by pidfd, all of them through its cgroup.
 */
import { killCgroup, listProcesses, thawCgroup } from "../cgroup/kill-cgroup.ts";
import { BockerError } from "../errors.ts";
import { readProcessIdentity } from "../host/process-identity.ts";
import { parseSignal } from "../runtime/signal-name.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import type { OciContext } from "./oci-context.ts";

const SIGKILL = 9;

/**
 * Sends a signal to a container that is created, running or paused; what is paused gets SIGKILL at once.
 * @throws BockerError in runc's words: it does not exist, is not running (no error with `all`), the signal is unknown
 */
export async function killContainer(
  { store }: OciContext,
  id: string,
  signalName: string,
  all: boolean,
): Promise<void> {
  const signal = parseSignalWord(signalName);
  const record = store.load(id);
  const { init, ownPids } = record;
  const status = statusOf(store, record);
  if (init === undefined || status === "stopped") {
    // Without a pid namespace of its own, others live on when the first process has ended.
    const reached = (all || signal === SIGKILL) && !ownPids && cgroupOf(record) !== undefined;
    if ((reached && signalAll(record, signal)) || all) return;
    throw notRunning();
  }
  if (all) signalAll(record, signal);
  else if (signal === SIGKILL && !ownPids) {
    const cgroup = cgroupOf(record);
    if (cgroup !== undefined) return killCgroup(cgroup);
  }
  if (!all && !signalProcess(init, signal)) throw notRunning();
  const cgroup = cgroupOf(record);
  if (signal === SIGKILL && status === "paused" && cgroup !== undefined) await thawCgroup(cgroup);
}

/** To each process that is in the cgroup now; false: there was none. Those that fork meanwhile are met by the next round. */
function signalAll(record: ContainerRecord, signal: number): boolean {
  const cgroup = cgroupOf(record);
  if (cgroup === undefined) {
    throw new BockerError("cannot signal all processes: the container has no cgroup", {
      kind: "unsupported",
    });
  }
  const reached = new Set<number>();
  for (let rounds = 0; rounds < (signal === SIGKILL ? 100 : 1); rounds++) {
    const left = listProcesses(cgroup).filter((pid) => !reached.has(pid));
    if (left.length === 0) break;
    for (const pid of left) {
      reached.add(pid);
      const identity = readProcessIdentity(pid);
      if (identity !== undefined && listProcesses(cgroup).includes(pid)) signalProcess(identity, signal);
    }
  }
  return reached.size > 0;
}

/** runc's words for a signal that is none. 0 only asks whether it runs (kill(2)). */
function parseSignalWord(word: string): number {
  if (word === "0") return 0;
  try {
    return parseSignal(word);
  } catch (error) {
    if (!(error instanceof BockerError)) throw error;
    throw new BockerError(`unknown signal ${JSON.stringify(word)}`, {
      kind: "usage",
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}

function notRunning(): BockerError {
  return new BockerError("container not running", { kind: "not-running" });
}
