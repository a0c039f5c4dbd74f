/**
 * Bundles that are wrong: each is refused with its reason on standard error and in the log, exit status 1, and nothing is
 * left: no state, no cgroup, no process.
 */
import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Spec } from "../../src/spec/oci.ts";
import { isRoot, type OciLab, openOciLab } from "../lib/oci-bundle.ts";

type Change = (spec: Record<string, unknown>) => unknown;

/** What the message must hold, and how the configuration is broken. */
const broken: readonly (readonly [message: string, change: Change])[] = [
  ["ociVersion: it is missing", ({ ociVersion: _, ...spec }) => spec],
  ['ociVersion: "one" is not a version', (spec) => ({ ...spec, ociVersion: "one" })],
  ['unsupported ociVersion "2.0.0"', (spec) => ({ ...spec, ociVersion: "2.0.0" })],
  ["root: it is missing", ({ root: _, ...spec }) => spec],
  ["root.path: expected a string, found number 3", (spec) => ({ ...spec, root: { path: 3 } })],
  ["invalid rootfs: stat", (spec) => ({ ...spec, root: { path: "nowhere" } })],
  ["not a directory", (spec) => ({ ...spec, root: { path: "config.json" } })],
  ["process.args[1]: expected a string", withProcess({ args: ["a", 1] })],
  ["process.cwd: it is missing", withProcess({ cwd: undefined })],
  ['process.cwd: "tmp" is not an absolute path', withProcess({ cwd: "tmp" })],
  ["process.user.uid: -1 is out of range", withProcess({ user: { uid: -1, gid: 0 } })],
  ["process.env[0]: it contains a NUL byte", withProcess({ env: ["A=\0"] })],
  ["process.rlimits[0].type", withProcess({ rlimits: [{ type: "NOFILE", soft: 1, hard: 1 }] })],
  [
    "process.rlimits[1].type: RLIMIT_CORE is listed twice",
    withProcess({ rlimits: [1, 2].map((soft) => ({ type: "RLIMIT_CORE", soft, hard: 5 })) }),
  ],
  ["mounts[0].destination: it is missing", (spec) => ({ ...spec, mounts: [{ type: "tmpfs" }] })],
  [
    'mounts[0].destination: "tmp" is not an absolute path',
    (spec) => ({ ...spec, mounts: [{ destination: "tmp" }] }),
  ],
  ["mounts: expected a list, found an object", (spec) => ({ ...spec, mounts: {} })],
  ["linux.namespaces[0].type: unknown value", withLinux({ namespaces: [{ type: "moon" }] })],
  [
    "linux.namespaces[1].type: the pid namespace is listed twice",
    withLinux({ namespaces: [{ type: "pid" }, { type: "pid" }] }),
  ],
  [
    'linux.namespaces[0].path: "proc/1" is not an absolute path',
    withLinux({ namespaces: [{ type: "pid", path: "proc/1" }] }),
  ],
  [
    "/proc/1/ns/nope: no such file or directory",
    withLinux({ namespaces: [{ type: "ipc", path: "/proc/1/ns/nope" }] }),
  ],
  [
    "linux.resources.memory.limit: expected an integer",
    withLinux({ resources: { memory: { limit: "1g" } } }),
  ],
  ["linux.seccomp.defaultAction", withLinux({ seccomp: { defaultAction: "ALLOW" } })],
  ["hooks.poststop[0].path", (spec) => ({ ...spec, hooks: { poststop: [{ path: "true" }] } })],
  [
    "hooks.prestart[0].timeout: 0 is out of range",
    (spec) => ({ ...spec, hooks: { prestart: [{ path: "/bin/true", timeout: 0 }] } }),
  ],
  ["windows: this machine runs Linux containers only", (spec) => ({ ...spec, windows: {} })],
];

function withProcess(change: Readonly<Record<string, unknown>>): Change {
  return (spec) => ({ ...spec, process: { ...(spec.process as object), ...change } });
}

function withLinux(change: Readonly<Record<string, unknown>>): Change {
  return (spec) => ({ ...spec, linux: { ...(spec.linux as object), ...change } });
}

/** Runs and expects failure; returns the words on standard error. */
async function refused(lab: OciLab, ...words: readonly string[]): Promise<string> {
  const log = join(lab.directory, "log.json");
  rmSync(log, { force: true });
  const { exitCode, stdout, stderr } = await lab.run("--log", log, "--log-format", "json", ...words);
  const entry = JSON.parse(readFileSync(log, "utf8").trim().split("\n").at(-1) ?? "");
  expect(entry.level).toBe("error");
  expect(Date.parse(entry.time)).toBeGreaterThan(Date.now() - 60_000);
  expect(stderr.trimEnd()).toBe(entry.msg);
  expect([exitCode, stdout]).toEqual([1, ""]);
  expect(await lab.state()).toBeUndefined();
  expect(lab.left()).toEqual([]);
  if (existsSync(lab.stateRoot)) expect(readdirSync(lab.stateRoot)).toEqual([]);
  return stderr;
}

describe.skipIf(!isRoot)("a config.json that is wrong", () => {
  test("says where", async () => {
    await using lab = openOciLab();
    for (const [message, change] of broken) {
      const spec = lab.configure() as unknown as Record<string, unknown>;
      lab.writeConfig(JSON.stringify(change(spec)));
      expect(await refused(lab, "create", lab.id)).toContain(message);
    }
  });

  test("is no JSON, no object, empty, a directory, or not there", async () => {
    await using lab = openOciLab();
    const cases = [
      ["", "it is not JSON"],
      ["{", "it is not JSON"],
      ["[]", "the document: expected an object, found a list"],
      ["null", "the document: expected an object, found null"],
      ['"x"', 'the document: expected an object, found the string "x"'],
    ] as const;
    for (const [text, message] of cases) {
      lab.writeConfig(text);
      expect(await refused(lab, "run", lab.id)).toContain(message);
    }
    rmSync(join(lab.bundle, "config.json"));
    expect(await refused(lab, "run", lab.id)).toContain("JSON specification file");
    mkdirSync(join(lab.bundle, "config.json"));
    expect(await refused(lab, "run", lab.id)).toContain("is not a file");
    expect(await refused(lab, "run", "-b", "/nowhere", lab.id)).toContain(
      "chdir /nowhere: no such file or directory",
    );
  });

  test("with fields nobody knows and with nulls is fine", async () => {
    await using lab = openOciLab();
    const spec = lab.configure({ args: ["echo", "hi"] });
    const more = {
      later: { x: 1 },
      annotations: null,
      hooks: null,
      linux: { ...spec.linux, devices: null, future: 1 },
    };
    lab.writeConfig(JSON.stringify({ ...spec, ...more, ociVersion: "1.0.2-dev" }));
    expect(await lab.ok("run", lab.id)).toBe("hi");
  });

  test("can be written by any user, or its bundle can", async () => {
    await using lab = openOciLab();
    lab.configure();
    chmodSync(lab.bundle, 0o777);
    expect(await refused(lab, "create", lab.id)).toContain("can be written by any user");
    chmodSync(lab.bundle, 0o755);
    chmodSync(join(lab.bundle, "config.json"), 0o666);
    expect(await refused(lab, "create", lab.id)).toContain("can be written by any user");
  });
});

describe.skipIf(!isRoot)("hooks", () => {
  const hook = (script: string, more: object = {}) => ({
    path: "/bin/sh",
    args: ["sh", "-c", script],
    ...more,
  });
  const configure = (lab: OciLab, hooks: Spec["hooks"]): void => {
    lab.configure({ args: ["sleep", "60"], spec: { hooks: hooks ?? {} } });
  };

  test("that fail at create undo it, and say what they said", async () => {
    await using lab = openOciLab();
    for (const kind of ["prestart", "createRuntime"] as const) {
      configure(lab, { [kind]: [hook("echo sorry >&2; exit 3")] });
      const said = await refused(lab, "create", lab.id);
      expect(said).toContain(`error running ${kind} hook #0`);
      expect(said).toContain("sorry");
    }
    configure(lab, { createContainer: [{ path: "/nowhere" }] });
    expect(await refused(lab, "run", lab.id)).toContain("createContainer hook #0");
  });

  test("that hang are killed at their timeout", async () => {
    await using lab = openOciLab();
    configure(lab, { createRuntime: [hook("sleep 100", { timeout: 1 })] });
    expect(await refused(lab, "create", lab.id)).toContain("ran past specified timeout of 1s");
  });

  test("each runs in its moment with the state, poststop ones even after a failure", async () => {
    await using lab = openOciLab();
    const trace = join(lab.directory, "trace");
    const note = (name: string) => hook(`printf '${name} ' >> ${trace}; cat >> ${trace}; echo >> ${trace}`);
    configure(lab, {
      prestart: [note("prestart")],
      createRuntime: [note("createRuntime")],
      poststart: [note("poststart")],
      poststop: [hook("exit 1"), note("poststop")],
    });
    await lab.ok("create", lab.id);
    const { pid } = await lab.state();
    await lab.ok("start", lab.id);
    await lab.ok("kill", lab.id, "KILL");
    await lab.until("stopped");
    const { exitCode, stderr } = await lab.run("delete", lab.id);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("level=warning")]);
    const lines = readFileSync(trace, "utf8").trim().split("\n");
    const seen = lines.map((line) => {
      const state = JSON.parse(line.slice(line.indexOf(" ") + 1));
      return [line.split(" ")[0], state.status, state.id === lab.id, state.bundle === lab.bundle, state.pid];
    });
    expect(seen).toEqual([
      ["prestart", "creating", true, true, pid],
      ["createRuntime", "creating", true, true, pid],
      ["poststart", "running", true, true, pid],
      ["poststop", "stopped", true, true, 0],
    ]);
  });

  test("startContainer's run inside, between start and the command; one that fails ends it", async () => {
    await using lab = openOciLab();
    const inside = (script: string) => ({ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/bin"] });
    lab.configure({
      args: ["cat", "/tmp/from-hook"],
      spec: { hooks: { startContainer: [inside("cat > /tmp/from-hook")] } },
    });
    expect(JSON.parse(await lab.ok("run", lab.id))).toMatchObject({ id: lab.id, status: "created" });
    lab.configure({ spec: { hooks: { startContainer: [inside("exit 9")] } } });
    await lab.ok("create", lab.id);
    const { exitCode, stderr } = await lab.run("start", lab.id);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("startContainer hook #0")]);
    await lab.until("stopped");
    await lab.ok("delete", lab.id);
    lab.configure({ spec: { hooks: { startContainer: [inside("kill -SYS $$")] } } });
    expect((await lab.run("run", lab.id)).stderr).toContain("hook #0: signal: bad system call");
  });

  test("poststart's failure destroys the container, at run and at start", async () => {
    await using lab = openOciLab();
    const poststart = [hook("exit 4"), hook(`echo > ${lab.directory}/second`)];
    configure(lab, { poststart, poststop: [hook(`echo >> ${lab.directory}/stopped`)] });
    const { exitCode, stderr } = await lab.run("run", "-d", lab.id);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("poststart hook #0")]);
    await lab.ok("create", lab.id);
    const started = await lab.run("start", lab.id);
    expect([started.exitCode, started.stderr]).toEqual([1, expect.stringContaining("poststart hook #0")]);
    expect((await lab.run("state", lab.id)).stderr).toContain("does not exist");
    expect(existsSync(join(lab.directory, "second"))).toBe(false);
    expect(readFileSync(join(lab.directory, "stopped"), "utf8")).toBe("\n\n");
  });

  test("startContainer's have the environment of the process", async () => {
    await using lab = openOciLab();
    const inherits = { path: "/bin/sh", args: ["sh", "-c", 'test "$ONE" = two && test "$HOME" = /'] };
    const process = { env: ["PATH=/bin", "ONE=two"], user: { uid: 77, gid: 77 } };
    lab.configure({ args: ["true"], process, spec: { hooks: { startContainer: [inherits] } } });
    await lab.ok("run", lab.id);
  });
});

describe.skipIf(!isRoot)("what cannot be run", () => {
  test("is found out at create", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["nope"] });
    expect(await refused(lab, "create", lab.id)).toContain(
      'exec: "nope": executable file not found in $PATH',
    );
    lab.configure({ args: ["/etc/passwd"] });
    expect(await refused(lab, "create", lab.id)).toContain("permission denied");
    lab.configure({ process: { args: [] } });
    expect(await refused(lab, "create", lab.id)).toContain("no command specified");
  });

  test("a console without a socket, a socket without a console, a socket that nobody serves", async () => {
    await using lab = openOciLab();
    lab.configure({ process: { terminal: true } });
    expect(await refused(lab, "create", lab.id)).toContain("cannot allocate tty");
    expect(await refused(lab, "create", "--console-socket", "/nowhere", lab.id)).toContain("console socket");
    lab.configure();
    expect(await refused(lab, "create", "--console-socket", "/nowhere", lab.id)).toContain(
      "cannot use console socket",
    );
  });

  test("a pid file that cannot be written", async () => {
    await using lab = openOciLab();
    lab.configure();
    expect(await refused(lab, "create", "--pid-file", "/nowhere/pid", lab.id)).toContain("/nowhere");
  });

  test("descriptors that are not open", async () => {
    await using lab = openOciLab();
    lab.configure();
    expect(await refused(lab, "create", "--preserve-fds", "2", lab.id)).toContain(
      "cannot pass descriptor 3 on",
    );
  });
});

describe.skipIf(!isRoot)("command lines", () => {
  test("are refused with 1 and a hint", async () => {
    await using lab = openOciLab();
    lab.configure();
    const cases = [
      [["frob"], 'unknown command "frob"'],
      [["create"], '"create" requires exactly 1 argument(s)'],
      [["create", "a", "b"], '"create" requires exactly 1 argument(s)'],
      [["create", "--frob", "a"], "flag provided but not defined: -frob"],
      [["create", "-b"], "flag needs an argument: -b"],
      [["create", "--preserve-fds", "x", "a"], "not an integer"],
      [["list", "-f", "xml"], "invalid format option"],
      [["update", lab.id], "nothing to update"],
      [["checkpoint", lab.id], "not supported"],
      [["checkpoint", "--image-path", "/x", "--leave-running", lab.id], "not supported"],
      [["restore", lab.id], "not supported"],
      [["--systemd-cgroup", "create", lab.id], "native.cgroupdriver=cgroupfs"],
    ] as const;
    for (const [words, message] of cases) {
      const { exitCode, stderr } = await lab.run(...words);
      expect([exitCode, stderr.replaceAll("\\", "")]).toEqual([1, expect.stringContaining(message)]);
    }
    const format = await lab.run("--log-format", "xml", "list");
    expect([format.exitCode, format.stderr]).toEqual([1, expect.stringContaining("log-format")]);
    const log = await lab.run("--log", "/nowhere/log", "list");
    expect([log.exitCode, log.stderr]).toEqual([1, expect.stringContaining("/nowhere/log")]);
  });

  test("spec writes an example once", async () => {
    await using lab = openOciLab();
    await lab.ok("spec");
    const spec = JSON.parse(readFileSync(join(lab.bundle, "config.json"), "utf8"));
    expect(spec).toMatchObject({ ociVersion: "1.2.0", root: { path: "rootfs", readonly: true } });
    const again = await lab.run("spec");
    expect([again.exitCode, again.stderr]).toEqual([1, expect.stringContaining("Remove it first")]);
    writeFileSync(
      join(lab.bundle, "config.json"),
      JSON.stringify({ ...spec, process: { ...spec.process, terminal: false, args: ["echo", "ok"] } }),
    );
    expect(await lab.ok("run", lab.id)).toBe("ok");
  });
});
