/**
 * The end of a boot, as the next one finds it: every process of a workspace's containers was killed at once, what is
 * valid for one boot only is gone, and whatever the database knows of processes bears the id of another boot.
 */
import { Database } from "bun:sqlite";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Workspace } from "./workspace.ts";

const otherBoot = "00000000-0000-4000-8000-000000000000";

interface Identity {
  readonly pid: number;
  readonly startTicks: string;
}

/** Loses power, and comes back. */
export async function crashAndReboot(bocker: Workspace): Promise<void> {
  const database = new Database(join(bocker.root, "state.db"));
  const processes = identities(database);
  // Monitors first: nobody is to be there who records how containers end.
  for (const { pid } of processes.filter(isAlive)) kill(pid);
  for (let tries = 0; processes.some(isAlive); tries++) {
    if (tries > 400) throw new Error("a killed process does not go");
    await Bun.sleep(25);
  }
  forgetBoot(database, bocker.runRoot);
}

/** A container's process dies with its monitor, maybe just now. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** After a system that was shut down in order: nothing runs, and the boot has another id. */
export function rebootStopped(bocker: Workspace): void {
  forgetBoot(new Database(join(bocker.root, "state.db")), bocker.runRoot);
}

function forgetBoot(database: Database, runRoot: string): void {
  for (const column of ["init", "monitor"]) {
    database.run(
      `UPDATE containers SET ${column} = json_set(${column}, '$.bootId', ?) WHERE ${column} IS NOT NULL`,
      [otherBoot],
    );
  }
  for (const table of ["leases", "ports"]) database.run(`UPDATE ${table} SET boot_id = ?`, [otherBoot]);
  database.close();
  rmSync(runRoot, { recursive: true, force: true });
}

function identities(database: Database): readonly Identity[] {
  const rows = database.query("SELECT monitor, init FROM containers").all() as Record<
    string,
    string | null
  >[];
  return ["monitor", "init"].flatMap((column) =>
    rows.flatMap((row) => (row[column] ? [JSON.parse(row[column]) as Identity] : [])),
  );
}

function isAlive({ pid, startTicks }: Identity): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[19] === startTicks && fields[0] !== "Z";
  } catch {
    return false;
  }
}
