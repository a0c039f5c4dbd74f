/**
 * `top`: what runs in a container, as the host's ps tells it, docker's way: ps lists, and the lines of the container's
 * processes are kept. A host without ps is answered from /proc, in the columns of `ps -ef`.
 */
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { listProcesses as listPids } from "../cgroup/kill-cgroup.ts";
import { BockerError } from "../errors.ts";
import { findTool, tryCommand } from "../host/run-command.ts";
import { appendContainerEvent } from "../state/event.ts";
import { requireInit } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { type ProcessTable, readProcessTable } from "./process-table.ts";
import { cgroupOf } from "./thaw-container.ts";

const defaultArguments = ["-ef"];

/** `words`: arguments of ps; none: `-ef`. Throws docker's refusals, and ps's own first line. */
export async function listProcesses(
  engine: Engine,
  nameOrId: string,
  words: readonly string[],
): Promise<ProcessTable> {
  const given = words.join(" ");
  checkPsArguments(given);
  const record = await loadContainer(engine, nameOrId);
  const init = requireInit(record);
  appendContainerEvent(engine.state, record.id, "top");
  const pids = detectCgroups().mode === "none" ? [init.pid] : listPids(cgroupOf(engine, record));
  const args = given.split(/[ \t\n]+/).filter((word) => word !== "");
  if (findTool("ps") !== undefined) {
    return parsePsOutput(runPs(args.length > 0 ? args : defaultArguments, pids), new Set(pids));
  }
  if (args.length === 0) return readProcessTable(pids);
  throw new BockerError('cannot run "ps": no such program', {
    kind: "host",
    hint: "install the package procps; without arguments no ps is needed",
  });
}

/** docker's rule: a column of pids must not have another name. */
function checkPsArguments(given: string): void {
  for (const [, name, title] of given.matchAll(/\s+(\S*)=\s*(PID\S*)/g)) {
    if (name !== "pid")
      throw new BockerError(`specifying "${name}=${title}" is not allowed`, { kind: "invalid-config" });
  }
}

function runPs(args: readonly string[], pids: readonly number[]): string {
  // Some options of ps can't stand beside -q: then all is listed, and cut down here.
  const few = tryCommand(["ps", ...args, `-q${pids.join(",")}`]);
  const all = few.exitCode === 0 ? few : tryCommand(["ps", ...args]);
  if (all.exitCode === 0) return all.stdout;
  const reason = all.stderr.split("\n").find((line) => line.trim() !== "") ?? "ps failed";
  throw new BockerError(reason, { kind: "invalid-config" });
}

/** The lines of `pids`, in as many cells as there are titles. `-`: a thread of the line above. */
export function parsePsOutput(output: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = "", ...lines] = output.split("\n");
  const titles = head.split(/\s+/).filter((word) => word !== "");
  const pidColumn = titles.indexOf("PID");
  if (pidColumn < 0)
    throw new BockerError("Couldn't find PID field in ps output", { kind: "invalid-config" });
  const rows: string[][] = [];
  let isOurs = false;
  for (const line of lines) {
    const words = line.split(/\s+/).filter((word) => word !== "");
    const pid = words[pidColumn];
    if (pid === undefined) continue;
    if (pid !== "-") isOurs = pids.has(parsePid(pid));
    if (isOurs) rows.push([...words.slice(0, titles.length - 1), words.slice(titles.length - 1).join(" ")]);
  }
  return { titles, rows };
}

function parsePid(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new BockerError(
    `Unexpected pid '${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
    {
      kind: "invalid-config",
    },
  );
}
