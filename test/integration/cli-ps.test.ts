/**
 * `ps --filter` and `ps -s`: docker's rules for which containers are shown.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { pathsUnder } from "../../src/host/paths.ts";
import { openState } from "../../src/state/state.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let firstId: string;

beforeAll(async () => {
  bocker = openWorkspace();
  const quiet = ["--network", "none"];
  firstId = await bocker.ok("create", "--name", "one", "-l", "tier=web", "-l", "x", ...quiet, "busybox");
  await bocker.run(
    "run",
    "--name",
    "two",
    "-l",
    "tier=db",
    "-v",
    "data:/data",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "exit 3",
  );
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "three",
    "-l",
    "tier=web",
    "-v",
    "/tmp:/host",
    "-p",
    "127.0.0.1::80",
    "busybox",
    "sleep",
    "100",
  );
  await bocker.run(
    "run",
    "--name",
    "four",
    ...quiet,
    "busybox",
    "sh",
    "-c",
    "head -c 5000 /dev/zero > /big; ln /big /same",
  );
});
afterAll(() => bocker[Symbol.asyncDispose]());

async function names(...flags: string[]): Promise<string> {
  return (await bocker.ok("ps", "--format", "{{.Names}}", ...flags)).split("\n").join(" ");
}

const filtered = (...filters: string[]) => names("-a", ...filters.flatMap((filter) => ["-f", filter]));

describe("filters", () => {
  test.each([
    ["name=o", "four two one"],
    ["name=^/one$", "one"],
    ["name=^tw", "two"],
    ["label=tier", "three two one"],
    ["label=tier=web", "three one"],
    ["status=created", "one"],
    ["status=running", "three"],
    ["exited=3", "two"],
    ["exited=0", "four"],
    ["ancestor=busybox", "four three two one"],
    ["ancestor=nothing", ""],
    ["before=two", "one"],
    ["since=two", "four three"],
    ["volume=data", "two"],
    ["volume=/data", "two"],
    ["volume=/tmp", "three"],
    ["network=none", "four two one"],
    ["network=bridge", "three"],
    ["expose=80", "three"],
    ["expose=70-90/tcp", "three"],
    ["expose=80/udp", ""],
    ["publish=80", ""],
    ["is-task=false", "four three two one"],
    ["health=none", "four three two one"],
    ["health=healthy", ""],
  ])("%s", async (filter, expected) => {
    expect(await filtered(filter)).toBe(expected);
  });

  test("one filter's values are alternatives, labels and other filters all hold", async () => {
    expect(await filtered("name=one", "name=two")).toBe("two one");
    expect(await filtered("label=tier=web", "label=x")).toBe("one");
    expect(await filtered("name=one", "status=running")).toBe("");
    expect(await filtered(`id=${firstId.slice(0, 8)}`)).toBe("one");
  });

  test("status looks at all containers, others only at those that run; -n counts what passes", async () => {
    expect(await names("-f", "status=exited")).toBe("four two");
    expect(await names("-f", "label=tier")).toBe("three");
    expect(await names("-n", "1", "-f", "label=tier=db")).toBe("two");
    expect(await names("-n", "2", "-f", "network=none")).toBe("four two");
  });

  test.each([
    ["colour=red", "invalid filter 'colour'"],
    ["status=asleep", "invalid filter 'status=asleep'"],
    ["exited=soon", "invalid filter 'exited=soon': strconv.Atoi: parsing \"soon\": invalid syntax"],
    ["health=fine", "invalid filter 'health=fine'"],
    ["publish=http", "invalid filter 'publish=http'"],
    ["before=absent", "No such container: absent"],
  ])("%s is refused", async (filter, phrase) => {
    const { exitCode, stdout, stderr } = await bocker.run("ps", "-f", filter);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain(phrase);
  });

  test("a filter without = is docker's usage error", async () => {
    const { exitCode, stderr } = await bocker.run("ps", "-f", "name");
    expect(exitCode).toBe(125);
    expect(stderr).toContain(
      'invalid argument "name" for "-f, --filter" flag: bad format of filter (expected name=value)',
    );
  });
});

test("a template asks for one label by its name", async () => {
  const rows = await bocker.ok(
    "ps",
    "-a",
    "--filter",
    "name=one",
    "--format",
    '{{.Names}} {{.Label "tier"}}.',
  );
  expect(rows).toBe("one web.");
  expect(await bocker.ok("ps", "-a", "-f", "name=one", "--format", '[{{.Label "constructor"}}]')).toBe("[]");
  expect(await bocker.ok("ps", "-a", "-f", "name=one", "--format", "json")).not.toContain('"Label"');
  await bocker.ok("network", "create", "--label", "tier=net", "labelled");
  expect(await bocker.ok("network", "ls", "-f", "name=labelled", "--format", '{{.Label "tier"}}')).toBe(
    "net",
  );
  await bocker.ok("volume", "create", "--label", "tier=vol", "labelled");
  expect(await bocker.ok("volume", "ls", "-f", "name=labelled", "--format", '{{.Label "tier"}}')).toBe("vol");
});

describe("-s", () => {
  test("what was written, hard links once, beside the image's size", async () => {
    const [head = "", row = ""] = (await bocker.ok("ps", "-s", "-a", "-f", "name=four")).split("\n");
    expect(head).toMatch(/ NAMES +SIZE$/);
    expect(row).toMatch(/ four +5kB \(virtual [\d.]+MB\)$/);
    expect(await bocker.ok("ps", "-a", "-f", "name=one", "--format", "{{.Size}}")).toMatch(/^0B \(virtual /);
  });

  test("a container's symbolic links are not followed", async () => {
    await bocker.run(
      "run",
      "--name",
      "sly",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "ln -s /proc /p; ln -s / /r",
    );
    expect(await bocker.ok("ps", "-a", "-f", "name=sly", "--format", "{{.Size}}")).toMatch(/^6B /);
    await bocker.ok("rm", "sly");
  });
});

test("a list does not read what it does not show: a config that is damaged spoils no table", async () => {
  using state = openState(pathsUnder(bocker.root, bocker.runRoot));
  const [config] = state.all("SELECT config FROM containers WHERE name = 'one'").map((row) => row.config);
  state.run("UPDATE containers SET config = '[]' WHERE name = 'one'");
  try {
    expect(await bocker.ok("ps", "-a")).toContain(firstId.slice(0, 12));
    const { exitCode, stderr } = await bocker.run("inspect", "one");
    expect(exitCode).toBe(1);
    expect(stderr).toContain('column "config"');
  } finally {
    state.run("UPDATE containers SET config = ? WHERE name = 'one'", String(config));
  }
});
