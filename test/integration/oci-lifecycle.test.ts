/**
 * The OCI runtime's life of a container, as engines drive it: create, start, state, kill, delete, run, and what is left
 * when one of them is cut short. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isRoot, type OciLab, openOciLab } from "../lib/oci-bundle.ts";

const cgroupRoots = readFileSync("/proc/self/mounts", "utf8")
  .split("\n")
  .filter((line) => / cgroup2? /.test(line))
  .map((line) => line.split(" ")[1] ?? "");

function cgroupsOf(path: string): string[] {
  return cgroupRoots.map((root) => join(root, path)).filter((each) => existsSync(each));
}

describe.skipIf(!isRoot)("create, start, delete", () => {
  test("go through the specification's states", async () => {
    await using lab = openOciLab();
    lab.configure({
      args: ["sh", "-c", "echo started > /tmp/mark; exec sleep 60"],
      spec: { annotations: { "org.x": "1" } },
    });
    const pidFile = join(lab.directory, "pid");
    expect(await lab.ok("create", "--pid-file", pidFile, lab.id)).toBe("");
    const created = await lab.state();
    expect(created).toMatchObject({
      ociVersion: "1.2.0",
      id: lab.id,
      status: "created",
      bundle: lab.bundle,
      rootfs: lab.rootfs,
      annotations: { "org.x": "1" },
    });
    expect(readFileSync(pidFile, "utf8")).toBe(String(created.pid));
    expect(existsSync(join(lab.rootfs, "tmp/mark"))).toBe(false);
    await lab.ok("start", lab.id);
    expect((await lab.state()).status).toBe("running");
    await lab.ok("kill", lab.id, "KILL");
    await lab.until("stopped");
    expect((await lab.state()).pid).toBe(0);
    expect(existsSync(join(lab.rootfs, "tmp/mark"))).toBe(true);
    await lab.ok("delete", lab.id);
    expect(await lab.state()).toBeUndefined();
    expect(lab.left()).toEqual([]);
  });

  test("answer what does not fit the state in runc's words, with 1", async () => {
    await using lab = openOciLab();
    lab.configure();
    const refuse = async (message: string, ...words: string[]) => {
      const { exitCode, stderr } = await lab.run(...words);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
    };
    for (const verb of ["start", "state", "kill", "delete", "pause", "resume"]) {
      await refuse("container does not exist", verb, lab.id);
    }
    await lab.ok("delete", "--force", lab.id);
    await lab.ok("create", lab.id);
    await refuse("container with given ID already exists", "create", lab.id);
    await lab.ok("start", lab.id);
    await refuse("cannot start an already running container", "start", lab.id);
    await refuse(`cannot delete container ${lab.id} that is not stopped: running`, "delete", lab.id);
    await refuse("container not paused", "resume", lab.id);
    await refuse('unknown signal \\"NOPE\\"', "kill", lab.id, "NOPE");
    await lab.ok("kill", lab.id, "9");
    await lab.until("stopped");
    await refuse("container not running", "kill", lab.id);
    await refuse("cannot start a container that has stopped", "start", lab.id);
    const exec = await lab.run("exec", lab.id, "true");
    expect([exec.exitCode, exec.stderr]).toEqual([255, expect.stringContaining("stopped container")]);
  });

  test("delete a container that was never started, as runc does", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("create", lab.id);
    await lab.ok("delete", lab.id);
    expect(lab.left()).toEqual([]);
  });

  test("kill one that was never started", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("create", lab.id);
    await lab.ok("kill", lab.id, "SIGKILL");
    await lab.until("stopped");
  });

  test("an init that waits has its streams, the gate and its pipes open, nothing else of the host's", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("create", lab.id);
    const folder = `/proc/${(await lab.state()).pid}/fd`;
    const open = readdirSync(folder)
      .filter((fd) => Number(fd) > 2)
      .map((fd) => readlinkSync(join(folder, fd)).replace(/\[\d+\]$/, ""));
    const fifos = ["exec.fifo", "result.fifo"].map((name) => join(lab.stateRoot, lab.id, name));
    expect(open.sort()).toEqual([...fifos, "pipe:", "pipe:"].sort());
    await lab.ok("start", lab.id);
  });

  test("leave the container to whoever reaps our children, not to us", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("create", lab.id);
    const { pid } = await lab.state();
    const parent = Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
    expect(readFileSync(`/proc/${parent}/comm`, "utf8")).not.toContain("bocker");
    await lab.ok("start", lab.id);
    expect((await lab.state()).status).toBe("running");
  });
});

describe.skipIf(!isRoot)("run", () => {
  test("gives the process our streams and us its exit code, and leaves nothing", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sh", "-c", "cat; echo oops >&2; exit 7"] });
    const { exitCode, stdout, stderr } = await lab.runWith({ stdin: "typed" }, "run", lab.id);
    expect([exitCode, stdout, stderr]).toEqual([7, "typed", "oops\n"]);
    expect(lab.left()).toEqual([]);
    expect(readdirSync(lab.stateRoot)).toEqual([]);
  });

  test("tells a signal as 128 and its number, and passes ours on", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sh", "-c", "trap 'exit 44' TERM; echo ready; while :; do sleep 0.05; done"] });
    const child = lab.spawn(["run", lab.id]);
    const reader = child.stdout.getReader();
    await reader.read();
    child.kill("SIGTERM");
    expect(await child.exited).toBe(44);
    lab.configure({
      args: ["sh", "-c", "kill -9 $$"],
      linux: { namespaces: [{ type: "mount" }] },
      spec: { hostname: "" },
    });
    expect((await lab.run("run", `${lab.id}b`)).exitCode).toBe(137);
  });

  test("keeps a signal that comes before the process is there for the process", async () => {
    await using lab = openOciLab();
    const poststart = [{ path: "/bin/sh", args: ["sh", "-c", "kill -TERM $PPID"] }];
    lab.configure({
      args: ["sleep", "600"],
      linux: { namespaces: [{ type: "mount" }] },
      spec: { hostname: "", hooks: { poststart } },
    });
    const { exitCode, signal } = await lab.run("run", lab.id);
    expect([exitCode, signal]).toEqual([143, null]);
    expect(await lab.state()).toBeUndefined();
  });

  test("--detach returns, --keep keeps", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("run", "-d", "--pid-file", join(lab.directory, "p"), lab.id);
    expect((await lab.state()).status).toBe("running");
    expect(readFileSync(join(lab.directory, "p"), "utf8")).toBe(String((await lab.state()).pid));
    lab.configure({ args: ["true"] });
    await lab.ok("run", "--keep", `${lab.id}k`);
    expect((await lab.state(`${lab.id}k`)).status).toBe("stopped");
  });

  test("--dry-run prints the plan and does nothing", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sh", "-c", "echo hi"] });
    const plan = await lab.ok("run", "--dry-run", lab.id);
    expect(plan).toContain("# cgroup");
    expect(plan).toMatch(/clone3\(CLONE_NEWNS.*CLONE_NEWPID/);
    expect(plan).toContain('["sh", "-c", "echo hi"]');
    expect(lab.left()).toEqual([]);
    expect(existsSync(lab.stateRoot)).toBe(false);
  });

  test("works where / is shared, as systemd makes it", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["echo", "hi"] });
    const script = 'mount --make-rshared / && exec "$@"';
    const words = [lab.runtime, "--root", lab.stateRoot, "run", "-b", lab.bundle, lab.id];
    const child = Bun.spawnSync(["unshare", "-m", "sh", "-c", script, "sh", ...words], { stderr: "pipe" });
    expect([child.stderr.toString(), child.stdout.toString()]).toEqual(["", "hi\n"]);
  });
});

describe.skipIf(!isRoot)("cgroups", () => {
  test("are where cgroupsPath says, hold the limits, and go with delete", async () => {
    await using lab = openOciLab();
    const path = `/${lab.id}-parent/box`;
    lab.configure({ linux: { cgroupsPath: path, resources: { pids: { limit: 33 } } } });
    await lab.ok("run", "-d", lab.id);
    const held = cgroupsOf(path);
    expect(held).toHaveLength(cgroupRoots.length);
    const limits = held.map((each) => join(each, "pids.max")).filter((file) => existsSync(file));
    expect(limits.map((file) => readFileSync(file, "utf8").trim())).toEqual(["33"]);
    await lab.ok("update", "--pids-limit", "44", lab.id);
    expect(limits.map((file) => readFileSync(file, "utf8").trim())).toEqual(["44"]);
    const resources = JSON.stringify({ pids: { limit: 55 } });
    expect((await lab.runWith({ stdin: resources }, "update", "-r", "-", lab.id)).exitCode).toBe(0);
    expect(limits.map((file) => readFileSync(file, "utf8").trim())).toEqual(["55"]);
    await lab.ok("update", "--memory", "64m", "--memory-swap", "96m", lab.id);
    await lab.ok("update", "--memory", "-1", lab.id);
    await lab.ok("delete", "--force", lab.id);
    expect(cgroupsOf(path)).toEqual([]);
    for (const parent of cgroupsOf(`/${lab.id}-parent`)) Bun.spawnSync(["rmdir", parent]);
  });

  test("one that holds other processes is refused", async () => {
    await using lab = openOciLab();
    lab.configure({ linux: { cgroupsPath: `/${lab.id}-x` } });
    await lab.ok("run", "-d", lab.id);
    const second = await lab.run("create", `${lab.id}b`);
    expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining("cgroup is not empty")]);
    expect((await lab.state()).status).toBe("running");
  });

  test("--cgroup-manager disabled makes none; systemd is refused with the way out", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["true"], linux: { resources: {} } });
    const before = cgroupsOf(`/${lab.id}`);
    await lab.ok("--cgroup-manager", "disabled", "create", lab.id);
    expect(cgroupsOf(`/${lab.id}`)).toEqual(before);
    await lab.ok("delete", lab.id);
    const systemd = await lab.run("--systemd-cgroup", "create", lab.id);
    expect([systemd.exitCode, systemd.stderr]).toEqual([1, expect.stringContaining("cgroupfs")]);
  });

  test("pause freezes, resume lets go, and what is paused can be killed", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("run", "-d", lab.id);
    await lab.ok("pause", lab.id);
    expect((await lab.state()).status).toBe("paused");
    expect((await lab.run("exec", lab.id, "true")).exitCode).toBe(255);
    await lab.ok("resume", lab.id);
    expect((await lab.state()).status).toBe("running");
    await lab.ok("pause", lab.id);
    await lab.ok("kill", lab.id, "KILL");
    await lab.until("stopped");
  });

  test("delete --force ends one that is paused", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("run", "-d", lab.id);
    await lab.ok("pause", lab.id);
    await lab.ok("delete", "--force", lab.id);
    expect((await lab.run("state", lab.id)).exitCode).toBe(1);
  });

  test("kill 0 asks whether it runs; --all is content with one that has ended", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("run", "-d", lab.id);
    await lab.ok("kill", lab.id, "0");
    expect((await lab.state()).status).toBe("running");
    await lab.ok("kill", lab.id, "KILL");
    await lab.until("stopped");
    expect((await lab.run("kill", lab.id, "0")).stderr).toContain("container not running");
    await lab.ok("kill", "-a", lab.id, "0");
  });

  test("kill --all reaches processes of a shared pid namespace, and delete leaves none", async () => {
    await using lab = openOciLab();
    lab.configure({
      args: ["sh", "-c", "sleep 61 & sleep 62 & exec sleep 63"],
      linux: { namespaces: [{ type: "mount" }, { type: "ipc" }] },
      spec: { hostname: "" },
    });
    await lab.ok("run", "-d", lab.id);
    const pids = (): Promise<number[]> => lab.ok("ps", "-f", "json", lab.id).then((text) => JSON.parse(text));
    for (let tries = 0; (await pids()).length < 3 && tries < 1000; tries++) await Bun.sleep(10);
    expect(await pids()).toHaveLength(3);
    await lab.ok("kill", "--all", lab.id, "KILL");
    await lab.until("stopped");
    // The others have the signal too; the kernel ends them in any order.
    for (let tries = 0; (await pids()).length > 0 && tries < 1000; tries++) await Bun.sleep(10);
    expect(await pids()).toEqual([]);
  });
});

describe.skipIf(!isRoot)("a broken state directory", () => {
  async function prepared(lab: OciLab): Promise<string> {
    lab.configure();
    await lab.ok("run", "-d", lab.id);
    return join(lab.stateRoot, lab.id, "state.json");
  }

  test("a pid that another process has now is neither shown nor signalled", async () => {
    await using lab = openOciLab();
    // Before the container: the kernel counts start times in hundredths of a second.
    const victim = Bun.spawn(["sleep", "60"]);
    const file = await prepared(lab);
    const record = JSON.parse(readFileSync(file, "utf8"));
    const { init } = record;
    writeFileSync(file, JSON.stringify({ ...record, init: { ...init, pid: victim.pid } }));
    expect((await lab.state()).status).toBe("stopped");
    expect((await lab.run("kill", lab.id, "KILL")).exitCode).toBe(1);
    await lab.ok("delete", "--force", lab.id);
    expect(victim.exitCode).toBeNull();
    victim.kill();
    await victim.exited;
    expect(lab.left()).toEqual([]);
  });

  test("another boot's record is of a container that has stopped", async () => {
    await using lab = openOciLab();
    const file = await prepared(lab);
    const record = JSON.parse(readFileSync(file, "utf8"));
    const bootId = "00000000-0000-0000-0000-000000000000";
    writeFileSync(file, JSON.stringify({ ...record, init: { ...record.init, bootId } }));
    expect((await lab.state()).status).toBe("stopped");
    writeFileSync(file, JSON.stringify(record));
  });

  test("a truncated, an empty and a foreign state file are named, and forced away", async () => {
    await using lab = openOciLab();
    const file = await prepared(lab);
    const { pid } = await lab.state();
    for (const [bytes, reason] of [
      [40, "not JSON"],
      [0, "empty"],
    ] as const) {
      truncateSync(file, bytes);
      const { exitCode, stderr } = await lab.run("state", lab.id);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(reason)]);
      expect((await lab.run("list")).exitCode).toBe(0);
    }
    mkdirSync(join(lab.stateRoot, "foreign"));
    writeFileSync(join(lab.stateRoot, "foreign/state.json"), '{"id":"foreign","init_process_pid":1}');
    writeFileSync(join(lab.stateRoot, "file"), "x");
    const foreign = await lab.run("kill", "foreign", "KILL");
    expect([foreign.exitCode, foreign.stderr]).toEqual([1, expect.stringContaining("another program")]);
    await lab.ok("delete", "--force", "foreign");
    await lab.ok("delete", "--force", lab.id);
    expect(statSync(join(lab.stateRoot, "file")).isFile()).toBe(true);
    process.kill(pid, "SIGKILL");
    for (const cgroup of cgroupsOf(`/${lab.id}`)) {
      for (
        let tries = 0;
        tries < 1000 && readFileSync(join(cgroup, "cgroup.procs"), "utf8") !== "";
        tries++
      ) {
        await Bun.sleep(10);
      }
      Bun.spawnSync(["rmdir", cgroup]);
    }
  });

  test("ids that are paths are refused", async () => {
    await using lab = openOciLab();
    lab.configure();
    for (const id of ["..", ".", "a/b", "a b", "", "../x"]) {
      for (const verb of ["create", "state", "delete"]) {
        const { exitCode, stderr } = await lab.run(verb, id);
        expect([exitCode, stderr]).toEqual([1, expect.stringContaining("invalid container ID format")]);
      }
    }
  });
});

describe.skipIf(!isRoot)("at the same time", () => {
  test("of many creates one wins; of many deletes all end well", async () => {
    await using lab = openOciLab();
    lab.configure();
    const creates = await Promise.all(Array.from({ length: 6 }, () => lab.run("create", lab.id)));
    expect(creates.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1, 1, 1, 1, 1]);
    const starts = await Promise.all(Array.from({ length: 4 }, () => lab.run("start", lab.id)));
    expect(starts.filter(({ exitCode }) => exitCode === 0)).toHaveLength(1);
    const ends = await Promise.all([
      ...Array.from({ length: 4 }, () => lab.run("delete", "--force", lab.id)),
      ...Array.from({ length: 4 }, () => lab.run("kill", lab.id, "KILL")),
    ]);
    expect(ends.slice(0, 4).map(({ exitCode, stderr }) => `${exitCode} ${stderr}`)).toEqual([
      "0 ",
      "0 ",
      "0 ",
      "0 ",
    ]);
    expect(lab.left()).toEqual([]);
  });

  test("a create that is killed at any moment leaves what delete --force removes", async () => {
    await using lab = openOciLab();
    lab.configure();
    for (let delayMs = 2; delayMs < 30; delayMs += 4) {
      const child = lab.spawn(["create", lab.id]);
      await Bun.sleep(delayMs);
      child.kill("SIGKILL");
      await child.exited;
      await lab.ok("delete", "--force", lab.id);
      expect(await lab.state()).toBeUndefined();
    }
  });
});
