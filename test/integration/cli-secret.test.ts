/** Secrets: kept, given to containers as files and variables, and seen nowhere else. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  await keep("db", "s3cret-of-db");
});
afterAll(() => bocker[Symbol.asyncDispose]());

async function keep(name: string, value: string, ...flags: readonly string[]): Promise<string> {
  const made = await bocker.runWith({ stdin: value }, "secret", "create", ...flags, name, "-");
  expect(made.stderr).toBe("");
  return made.stdout.trim();
}

const shell = (...words: readonly string[]) =>
  bocker.ok(
    "run",
    "--rm",
    "--network",
    "none",
    ...words.slice(0, -1),
    "busybox",
    "sh",
    "-c",
    words.at(-1) ?? "",
  );

describe("secret create", () => {
  test("from a file, from a variable, with labels; an id of 25 hex digits", async () => {
    const file = join(bocker.directory, "value");
    writeFileSync(file, "from a file");
    expect(await bocker.ok("secret", "create", "-l", "team=web", "one", file)).toMatch(/^[0-9a-f]{25}$/);
    const env = { THE_VALUE: "from a variable" };
    expect((await bocker.runWith({ env }, "secret", "create", "--env", "two", "THE_VALUE")).exitCode).toBe(0);
    expect(await shell("--secret", "one", "--secret", "two", "cat /run/secrets/one /run/secrets/two")).toBe(
      "from a filefrom a variable",
    );
    const [{ Spec }] = JSON.parse(await bocker.ok("secret", "inspect", "one"));
    expect(Spec).toMatchObject({ Name: "one", Labels: { team: "web" }, Driver: { Name: "file" } });
    await bocker.ok("secret", "rm", "one", "two");
  });

  test("values are root's alone: a folder of 0700, files of 0600", () => {
    const folder = join(bocker.root, "secret");
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const names = readdirSync(folder);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test("a name in use is refused, --replace takes it, and no value is left behind", async () => {
    const first = await keep("again", "old");
    const refused = await bocker.runWith({ stdin: "new" }, "secret", "create", "again", "-");
    expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("again: secret name in use");
    const second = await keep("again", "new", "--replace");
    expect(second).not.toBe(first);
    expect(await shell("--secret", "again", "cat /run/secrets/again")).toBe("new");
    const files = readdirSync(join(bocker.root, "secret"));
    expect(files).toContain(second);
    expect(files).not.toContain(first);
    await bocker.ok("secret", "rm", "again");
    expect(readdirSync(join(bocker.root, "secret"))).not.toContain(second);
  });

  test("a value whose row never came goes with the next one", async () => {
    writeFileSync(join(bocker.root, "secret", "f".repeat(25)), "left by a crash", { mode: 0o600 });
    await keep("sweeper", "x");
    expect(readdirSync(join(bocker.root, "secret"))).not.toContain("f".repeat(25));
    await bocker.ok("secret", "rm", "sweeper");
  });

  const refusals: readonly (readonly [readonly string[], string | undefined, string])[] = [
    [["bad/name", "-"], "x", "invalid secret name"],
    [["bad,name", "-"], "x", "invalid secret name"],
    [["..", "-"], "x", "invalid secret name"],
    [["empty", "-"], "", "secret data must be larger than 0 and less than 512000 bytes"],
    [["large", "-"], "x".repeat(512_000), "secret data must be larger than 0 and less than 512000 bytes"],
    [["nofile", "/no/such/file"], undefined, 'cannot read the secret from "/no/such/file"'],
    [["--env", "noenv", "NOT_SET_HERE"], undefined, "environment variable NOT_SET_HERE is not set"],
    [["-d", "vault", "x", "-"], "x", 'secret driver "vault" not found'],
    [["only-a-name"], undefined, "requires 2 arguments"],
  ];
  for (const [words, stdin, phrase] of refusals) {
    test(`refuses ${words.join(" ")}: ${phrase}`, async () => {
      const refused = await bocker.runWith(
        { ...(stdin === undefined ? {} : { stdin }) },
        "secret",
        "create",
        ...words,
      );
      expect([refused.exitCode, refused.stdout]).toEqual([1, ""]);
      expect(refused.stderr).toContain(phrase);
      expect(await bocker.ok("secret", "ls", "-n", "--format", "{{.Name}}")).toBe("db");
    });
  }
});

describe("secret ls, inspect, exists, rm", () => {
  test("columns, filters, formats", async () => {
    const id = await keep("web", "x");
    const lines = (await bocker.ok("secret", "ls")).split("\n");
    expect(lines[0]).toMatch(/^ID +NAME +DRIVER +CREATED +UPDATED$/);
    expect(lines[2]).toMatch(new RegExp(`^${id} +web +file +.* ago +.* ago$`));
    expect(await bocker.ok("secret", "ls", "-q", "--filter", "name=web")).toBe(id);
    expect(await bocker.ok("secret", "ls", "--format", "{{.Name}}:{{.Driver}}")).toBe("db:file\nweb:file");
    expect((await bocker.run("secret", "ls", "--filter", "colour=red")).stderr).toContain(
      "invalid filter 'colour'",
    );
    expect((await bocker.run("secret", "exists", "web")).exitCode).toBe(0);
    expect(await bocker.ok("secret", "rm", id.slice(0, 12))).toBe(id);
    expect((await bocker.run("secret", "exists", "web")).exitCode).toBe(1);
  });

  test("what is not there", async () => {
    const inspected = await bocker.run("secret", "inspect", "db", "nope");
    expect([inspected.exitCode, JSON.parse(inspected.stdout).length]).toEqual([1, 1]);
    expect(inspected.stderr).toContain('no secret with name or id "nope": no such secret');
    expect((await bocker.run("secret", "rm", "nope")).exitCode).toBe(1);
    expect((await bocker.run("secret", "rm", "--ignore", "nope")).exitCode).toBe(0);
    expect((await bocker.run("secret", "rm")).stderr).toContain("requires at least 1 argument");
    expect((await bocker.run("secret", "rm", "--all", "db")).exitCode).toBe(1);
  });
});

describe("in a container", () => {
  test("a read-only file of a tmpfs, 0444, or with the owner and mode asked for", async () => {
    const seen = await shell(
      "--secret",
      "db",
      "--secret",
      "db,target=/opt/deep/key,uid=1000,gid=5,mode=0400",
      "stat -c '%a %u %g %s' /run/secrets/db /opt/deep/key; stat -f -c %T /run/secrets/db /opt/deep/key; " +
        "cat /run/secrets/db; echo; echo x 2>/dev/null >/run/secrets/db || echo read-only",
    );
    expect(seen).toBe("444 0 0 12\n400 1000 5 12\ntmpfs\ntmpfs\ns3cret-of-db\nread-only");
  });

  test("another user reads it, and only its owner where the mode says so", async () => {
    expect(await shell("-u", "1000", "--secret", "db", "cat /run/secrets/db")).toBe("s3cret-of-db");
    const owned = ["--secret", "db,uid=1000,mode=0400"];
    expect(await shell("-u", "1000", ...owned, "cat /run/secrets/db")).toBe("s3cret-of-db");
    expect(await shell("-u", "1001", ...owned, "cat /run/secrets/db 2>&1 || true")).toContain(
      "Permission denied",
    );
  });

  test("a variable, over one of the same name; exec has it too, its -e wins", async () => {
    const id = await bocker.ok(
      ...["run", "-d", "--network", "none", "-e", "PW=plain", "--secret", "db,type=env,target=PW"],
      ...["busybox", "sleep", "1000"],
    );
    const value = (...flags: readonly string[]) => bocker.ok("exec", ...flags, id, "sh", "-c", "echo $PW");
    expect(readFileSync(`/proc/${(await bocker.inspect(id)).State.Pid}/environ`, "utf8")).toContain(
      "PW=s3cret-of-db",
    );
    expect(await value()).toBe("s3cret-of-db");
    expect(await value("-e", "PW=mine")).toBe("mine");
    await bocker.ok("rm", "-f", id);
  });

  test("keeps what it was made with when the secret changes and goes", async () => {
    await keep("brief", "first");
    const id = await bocker.ok(
      ...["create", "--network", "none", "--secret", "brief", "busybox", "cat", "/run/secrets/brief"],
    );
    await bocker.ok("secret", "rm", "brief");
    expect(await bocker.ok("start", "-a", id)).toBe("first");
    await keep("brief", "second");
    expect(await bocker.ok("start", "-a", id)).toBe("first");
    await bocker.ok("rm", id);
    await bocker.ok("secret", "rm", "brief");
  });

  test("no file of it gets into an image or an archive", async () => {
    const flags = ["--network", "none", "--secret", "db", "--secret", "db,target=/opt/key"];
    const id = await bocker.ok(
      "create",
      ...flags,
      "busybox",
      "sh",
      "-c",
      "echo >/run/secrets/other; echo >/opt/other",
    );
    await bocker.ok("start", "-a", id);
    await bocker.ok("commit", id, "without");
    const listed = ["find", "/run/secrets", "/opt", "-type", "f"];
    const others = "/opt/other\n/run/secrets/other";
    const found = await bocker.ok("run", "--rm", "--network", "none", "without", ...listed);
    expect(found.split("\n").sort().join("\n")).toBe(others);
    const tar = (await bocker.run("export", id)).stdoutBytes;
    const names = Bun.spawnSync(["tar", "-t"], { stdin: tar }).stdout.toString();
    expect(names).toContain("opt/other\n");
    expect(names).not.toMatch(/opt\/key|secrets\/db/);
    await bocker.ok("rm", id);
    await bocker.ok("rmi", "without");
  });

  test("one that is not there: 125, and no container", async () => {
    const { exitCode, stderr } = await bocker.run("run", "--secret", "nope", "busybox", "true");
    expect(exitCode).toBe(125);
    expect(stderr).toContain('no secret with name or id "nope": no such secret');
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });
});

test("the value is in no inspect output, argv, plan, log line, archive or world-readable file", async () => {
  const id = await bocker.ok(
    ...["run", "-d", "--network", "none", "--secret", "db", "--secret", "db,type=env,target=PW"],
    ...["busybox", "sleep", "1000"],
  );
  const plan = ["run", "--dry-run", "--secret", "db", "--secret", "db,type=env", "busybox", "true"];
  const debugged = await bocker.run("--debug", "exec", id, "true");
  const outputs = [
    await bocker.ok("inspect", id),
    await bocker.ok("inspect", "--format", "toml", id),
    await bocker.ok("secret", "inspect", "db"),
    await bocker.ok(...plan),
    debugged.stderr,
    await bocker.ok("events", "--since", "1h", "--until", "0s"),
    (await bocker.run("export", id)).stdout,
  ];
  for (const output of outputs) expect(output).not.toContain("s3cret-of-db");
  expect(outputs[0]).toContain("PW=*******");
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    expect(argvOf(pid)).not.toContain("s3cret-of-db");
  }
  const found = Bun.spawnSync(["grep", "-rl", "s3cret-of-db", bocker.directory]).stdout.toString().trim();
  for (const path of found.split("\n")) {
    expect(path).toMatch(/\/(secret\/[0-9a-f]{25}|container\/[0-9a-f]{64}\/secret\/\d)$/);
    expect(statSync(path).mode & 0o077).toBe(0);
  }
  await bocker.ok("rm", "-f", id);
});

/** Empty for a process that has ended meanwhile. */
function argvOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
