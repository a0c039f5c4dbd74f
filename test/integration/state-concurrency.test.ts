/** Many processes at one database: none fails, and nothing is given twice. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCommand } from "../../src/host/run-command.ts";
import { listContainers } from "../../src/state/container.ts";
import { listLeases } from "../../src/state/lease.ts";
import { insertNetwork } from "../../src/state/network.ts";
import { listPorts } from "../../src/state/port.ts";
import { openState } from "../../src/state/state.ts";
import { aNetwork } from "../unit/state/state-fixture.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-state-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function runClients(
  database: string,
  count: number,
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const client = join(import.meta.dir, "state-client.ts");
  const children = Array.from({ length: count }, (_, index) =>
    startCommand([process.execPath, client, database, String(index)], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      env,
    }),
  );
  return await Promise.all(
    children.map(async (child) => {
      const [output, errors, exitCode] = await Promise.all([
        child.stdout.text(),
        child.stderr.text(),
        child.exited,
      ]);
      return exitCode === 0 ? output : `exit ${exitCode}: ${errors}`;
    }),
  );
}

test("two hundred processes make the database together and lose nothing", async () => {
  const database = join(folder, "together/state.db");
  const network = aNetwork({ id: "f".repeat(64) });
  using state = openState({ database: join(folder, "first/state.db") });
  expect(listContainers(state)).toEqual([]);
  const outputs = await runClients(database, 200);
  expect(outputs.filter((output) => output !== "done\n")).toEqual([]);
  using result = openState({ database });
  expect(listContainers(result).length).toBe(200);
  expect(new Set(listLeases(result).map(({ address }) => address)).size).toBe(200);
  expect(new Set(listLeases(result).map(({ address6 }) => address6)).size).toBe(200);
  expect(listLeases(result).every(({ networkId }) => networkId === network.id)).toBe(true);
  expect(listPorts(result).length).toBe(200);
}, 120_000);

test("one that finds no database while another makes it can write it", async () => {
  const library = join(folder, "open-race.so");
  const source = join(import.meta.dir, "../lib/open-race.c");
  const compiled = Bun.spawnSync(["cc", "-shared", "-fPIC", "-o", library, source]);
  expect(compiled.stderr.toString()).toBe("");
  mkdirSync(join(folder, "raced"));
  const database = join(folder, "raced/state.db");
  const outputs = await runClients(database, 1, { LD_PRELOAD: library, OPEN_RACE: database });
  expect(outputs).toEqual(["done\n"]);
});

test("of many that want one name, exactly one gets it", async () => {
  const database = join(folder, "name/state.db");
  using state = openState({ database });
  insertNetwork(state, aNetwork({ id: "f".repeat(64) }));
  const client = join(import.meta.dir, "state-client.ts");
  const children = Array.from({ length: 20 }, () =>
    startCommand([process.execPath, client, database, "same"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
  const codes = await Promise.all(children.map((child) => child.exited));
  expect(codes.filter((code) => code === 0).length).toBe(1);
  expect(listContainers(state).map(({ name }) => name)).toEqual(["client-same"]);
}, 60_000);
