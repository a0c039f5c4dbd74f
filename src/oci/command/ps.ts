/**
 * `ps CONTAINER [OPTIONS]`: what ps(1) of the host says of the processes in a container's cgroup, or their pids as JSON.
 */
import { listProcesses } from "../../cgroup/kill-cgroup.ts";
import { BockerError } from "../../errors.ts";
import { runCommand } from "../../host/run-command.ts";
import { cgroupOf } from "../container-status.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { usage } from "../option.ts";
import { printLine } from "../standard-output.ts";

/** Needs ps(1) on the host for the table. */
export function run({ store }: OciContext, { options, arguments: words }: OciInvocation): number {
  const [id = "", ...own] = words;
  const format = options.value("format") ?? "table";
  if (format !== "table" && format !== "json") throw usage(`invalid format option ${JSON.stringify(format)}`);
  const cgroup = cgroupOf(store.load(id));
  if (cgroup === undefined) {
    throw new BockerError("cannot list processes: the container has no cgroup", { kind: "unsupported" });
  }
  const pids = [...listProcesses(cgroup)].sort((a, b) => a - b);
  if (format === "json") {
    printLine(JSON.stringify(pids));
    return 0;
  }
  const asked = own[0] === "--" ? own.slice(1) : own;
  const { stdout } = runCommand(["ps", ...(asked.length === 0 ? ["-ef"] : asked)]);
  printLine(selectProcesses(stdout, new Set(pids)).join("\n"));
  return 0;
}

/** ps's head and the lines whose PID column is one of these. Throws where there is no such column. Pure. */
export function selectProcesses(output: string, pids: ReadonlySet<number>): readonly string[] {
  const [head = "", ...lines] = output.split("\n").filter((line) => line !== "");
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column === -1) throw usage("cannot find a PID column in ps's output", "leave it in with -o pid,…");
  const isOurs = (line: string): boolean => pids.has(Number(line.trim().split(/\s+/)[column]));
  return [head, ...lines.filter(isOurs)];
}
