/**
 * `list`: every container of the state directory, as a table, as JSON, or its id alone.
 *
 * Foreign and broken entries do not spoil the list: they are named on standard error.
 */
import { readFileSync } from "node:fs";
import { messageOf } from "../../errors.ts";
import { type ContainerState, stateOf, statusOf } from "../container-status.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";
import { usage } from "../option.ts";
import { printLine } from "../standard-output.ts";

const head = ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] as const;
/** Of Go's tabwriter, as runc sets it up. */
const minimalWidth = 12;
const padding = 3;

export function run(context: OciContext, { options }: OciInvocation): number {
  const format = options.value("format") ?? "table";
  if (format !== "table" && format !== "json") throw usage(`invalid format option ${JSON.stringify(format)}`);
  const states = loadStates(context);
  if (options.flag("quiet")) {
    if (states.length > 0) printLine(states.map(({ id }) => id).join("\n"));
  } else if (format === "json") printLine(states.length === 0 ? "null" : JSON.stringify(states));
  else printLine(renderTable(states).join("\n"));
  return 0;
}

function loadStates({ store, log }: OciContext): readonly ContainerState[] {
  const names = userNames();
  return store.ids().flatMap((id) => {
    try {
      const record = store.find(id);
      if (record === undefined) return [];
      const owner = names.get(record.owner) ?? String(record.owner);
      return [{ ...stateOf(record, statusOf(store, record)), owner }];
    } catch (error) {
      log.write("error", `load container ${id}: ${messageOf(error)}`);
      return [];
    }
  });
}

function renderTable(states: readonly ContainerState[]): readonly string[] {
  const rows: readonly (readonly string[])[] = [
    head,
    ...states.map((state) => [
      state.id,
      String(state.pid),
      state.status,
      state.bundle,
      state.created,
      state.owner,
    ]),
  ];
  const widths = head.map((_, column) =>
    Math.max(minimalWidth, ...rows.map((row) => (row[column] ?? "").length + padding)),
  );
  const last = head.length - 1;
  return rows.map((row) =>
    row.map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0))).join(""),
  );
}

function userNames(): ReadonlyMap<number, string> {
  try {
    const lines = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .filter((line) => line.includes(":"));
    return new Map(
      lines.map((line) => line.split(":")).map(([name = "", , uid = ""]) => [Number(uid), name]),
    );
  } catch {
    return new Map();
  }
}
