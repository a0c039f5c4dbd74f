/**
 * `exec` and what a container is given: processes by options and by JSON, terminals, descriptors, cgroups, seccomp, user
 * namespaces. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isRoot, type OciLab, openOciLab, type SpecChange } from "../lib/oci-bundle.ts";

async function running(lab: OciLab, change: SpecChange = {}): Promise<void> {
  lab.configure(change);
  await lab.ok("run", "-d", lab.id);
}

/** A new cpuset of v1 holds nobody before it has processors and memory. */
function makeCgroup(path: string): void {
  mkdirSync(path);
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const [own, parents] = [join(path, file), join(path, "..", file)];
    if (existsSync(own) && readFileSync(own, "utf8").trim() === "")
      writeFileSync(own, readFileSync(parents, "utf8"));
  }
}

describe.skipIf(!isRoot)("exec", () => {
  test("has the HOME of its user in the passwd that the container sees", async () => {
    await using lab = openOciLab();
    const passwd = join(lab.directory, "passwd");
    writeFileSync(passwd, "root:x:0:0::/top:/bin/sh\ndaily:x:7:7::/srv/daily:/bin/sh\n");
    const mount = { destination: "/etc/passwd", type: "bind", source: passwd, options: ["bind", "ro"] };
    lab.configure({ args: ["sh", "-c", "echo $HOME"], spec: { mounts: [mount] } });
    expect(await lab.ok("run", lab.id)).toBe("/top");
    await running(lab, { spec: { mounts: [mount] } });
    const seen = async (...words: string[]) => lab.ok("exec", ...words, lab.id, "sh", "-c", "echo $HOME");
    expect([await seen("-u", "7"), await seen(), await seen("-u", "8"), await seen("-e", "HOME=/x")]).toEqual(
      ["/srv/daily", "/top", "/", "/x"],
    );
  });

  test("joins the container, with its environment and its exit code", async () => {
    await using lab = openOciLab();
    await running(lab, { process: { env: ["PATH=/bin", "A=1"] } });
    const script = "echo $A$B; pwd; cat; ls /proc/1/exe >/dev/null && hostname; exit 12";
    const words = ["exec", "-e", "B=2", "--cwd", "/tmp", lab.id, "sh", "-c", script];
    const { exitCode, stdout } = await lab.runWith({ stdin: "typed\n" }, ...words);
    expect([exitCode, stdout]).toEqual([12, "12\n/tmp\ntyped\nbocker\n"]);
    expect((await lab.run("exec", lab.id, "sh", "-c", "kill -9 $$")).exitCode).toBe(137);
    const missing = await lab.run("exec", lab.id, "nope");
    expect([missing.exitCode, missing.stderr]).toEqual([
      255,
      expect.stringContaining("executable file not found"),
    ]);
    expect((await lab.run("exec", lab.id)).exitCode).toBe(255);
  });

  test("in a created container runs beside the process that waits", async () => {
    await using lab = openOciLab();
    lab.configure();
    await lab.ok("create", lab.id);
    expect(await lab.ok("exec", lab.id, "echo", "early")).toBe("early");
    expect((await lab.state()).status).toBe("created");
  });

  test("takes user, groups, capabilities and no_new_privs", async () => {
    await using lab = openOciLab();
    await running(lab, { process: { noNewPrivileges: false } });
    const show = "id -u; id -g; id -G; grep -E 'Cap(Inh|Bnd|Amb)|NoNewPrivs' /proc/self/status";
    const none = "0000000000000000";
    const status = (bounding: string, noNewPrivileges: number) =>
      [`CapInh: ${none}`, `CapBnd: ${bounding}`, `CapAmb: ${none}`].concat(`NoNewPrivs: ${noNewPrivileges}`);
    const plain = (await lab.ok("exec", lab.id, "sh", "-c", show)).replaceAll("\t", " ").split("\n");
    expect(plain).toEqual(["0", "0", "0", ...status("0000000020000420", 0)]);
    const words = ["-u", "5:6", "-g", "7", "-c", "CAP_NET_ADMIN", "--no-new-privs", lab.id, "sh", "-c", show];
    const changed = (await lab.ok("exec", ...words)).replaceAll("\t", " ").split("\n");
    expect(changed).toEqual(["5", "6", "6 7", ...status("0000000020001420", 1)]);
  });

  test("--process takes everything from a file, wrong ones are refused by path", async () => {
    await using lab = openOciLab();
    await running(lab);
    const file = join(lab.directory, "process.json");
    const process = {
      cwd: "/tmp",
      args: ["sh", "-c", "pwd; id -u; echo $X"],
      env: ["PATH=/bin", "X=y"],
      user: { uid: 3, gid: 3 },
    };
    writeFileSync(file, JSON.stringify(process));
    expect(await lab.ok("exec", "-p", file, lab.id)).toBe("/tmp\n3\ny");
    writeFileSync(file, JSON.stringify({ ...process, args: "sh" }));
    const wrong = await lab.run("exec", "-p", file, lab.id);
    expect([wrong.exitCode, wrong.stderr]).toEqual([255, expect.stringContaining("args: expected a list")]);
    writeFileSync(file, "{");
    expect((await lab.run("exec", "-p", file, lab.id)).stderr).toContain("not JSON");
  });

  test("--detach leaves it with its pid in a file", async () => {
    await using lab = openOciLab();
    await running(lab);
    const pidFile = join(lab.directory, "pid");
    await lab.ok("exec", "-d", "--pid-file", pidFile, lab.id, "sleep", "77");
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\u000077\u0000");
    expect(JSON.parse(await lab.ok("ps", "-f", "json", lab.id))).toContain(pid);
    expect(await lab.ok("ps", lab.id, "-o", "pid,args")).toContain("sleep 77");
  });

  test("-t gives a terminal of the container's own", async () => {
    await using lab = openOciLab();
    await running(lab);
    await using session = lab.terminal("exec", "-t", lab.id, "sh");
    session.type("tty; stty size; echo end\n");
    await session.waitFor(/\/dev\/pts\/\d+\s+24 80\s+end/);
    session.resize(100, 30);
    session.type("stty size; exit 5\n");
    await session.waitFor("30 100");
    expect(await session.exited).toBe(5);
  });

  test("--cgroup puts it below the container's, where that is", async () => {
    await using lab = openOciLab();
    await running(lab);
    const own = readFileSync(`/proc/${(await lab.state()).pid}/cgroup`, "utf8");
    const roots = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .filter((line) => / cgroup2? /.test(line));
    const below = roots.map((line) => join(line.split(" ")[1] ?? "", lab.id, "sub"));
    for (const path of below) makeCgroup(path);
    const inside = await lab.ok("exec", "--cgroup", "sub", lab.id, "sh", "-c", "cat /proc/self/cgroup");
    expect(own).not.toContain("/sub");
    for (const line of inside.split("\n")) expect(line).toEndWith("/sub");
    for (const path of below) rmdirSync(path);
    for (const place of ["nope", "../x"]) {
      expect((await lab.run("exec", "--cgroup", place, lab.id, "true")).exitCode).toBe(255);
    }
  });

  test("gets no descriptor but the ones that are passed on", async () => {
    await using lab = openOciLab();
    await running(lab);
    const file = join(lab.directory, "passed");
    writeFileSync(file, "content");
    const fd = openSync(file, "r");
    const exec = (...words: string[]) =>
      Bun.spawnSync([lab.runtime, "--root", lab.stateRoot, "exec", ...words], {
        stdio: ["ignore", "pipe", "pipe", fd],
      });
    expect(exec(lab.id, "ls", "/proc/self/fd").stdout.toString().trim().split(/\s+/)).toEqual([
      "0",
      "1",
      "2",
      "3",
    ]);
    const closed = exec(lab.id, "sh", "-c", "cat <&3");
    expect([closed.exitCode === 0, closed.stdout.toString()]).toEqual([false, ""]);
    expect(exec("--preserve-fds", "1", lab.id, "sh", "-c", "cat <&3").stdout.toString()).toBe("content");
    closeSync(fd);
  });
});

describe.skipIf(!isRoot)("a container", () => {
  test("has its memory from the nodes of linux.memoryPolicy, and an exec too", async () => {
    await using lab = openOciLab();
    const policyOf = async (...words: string[]) =>
      (await lab.ok(...words, "busybox", "head", "-n1", "/proc/self/numa_maps")).split(" ")[1];
    const memoryPolicy = { mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] };
    await running(lab, { linux: { memoryPolicy } });
    expect(await policyOf("exec", lab.id)).toBe("bind=static:0");
    const refusals = [
      [{}, "linux.memoryPolicy.mode: it is missing"],
      [{ mode: "MPOL_NONE" }, "invalid memory policy"],
      [{ ...memoryPolicy, flags: ["MPOL_F_X"] }, "invalid memory policy flag"],
      [{ ...memoryPolicy, nodes: "all" }, "invalid node list"],
      [{ mode: "MPOL_BIND" }, "set_mempolicy: invalid argument"],
    ] as const;
    for (const [policy, message] of refusals) {
      const linux = { memoryPolicy: policy as typeof memoryPolicy };
      lab.configure({ linux });
      const { exitCode, stderr } = await lab.run("run", `${lab.id}r`);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
    }
  });

  test("a mount over a link to nowhere is where the link leads", async () => {
    await using lab = openOciLab();
    symlinkSync("../run/made/hosts", join(lab.rootfs, "etc/hosts"));
    const source = join(lab.directory, "hosts");
    writeFileSync(source, "given");
    const mount = { destination: "/etc/hosts", type: "bind", source, options: ["bind"] };
    lab.configure({ args: ["cat", "/etc/hosts", "/run/made/hosts"], spec: { mounts: [mount] } });
    expect(await lab.ok("run", lab.id)).toBe("givengiven");
  });

  test("a read-only /dev has its nodes, and takes no more", async () => {
    await using lab = openOciLab();
    const mounts = [
      { destination: "/proc", type: "proc" },
      { destination: "/dev", type: "tmpfs", options: ["nosuid", "ro", "mode=755"] },
      { destination: "/dev/pts", type: "devpts", options: ["newinstance"] },
    ];
    const script = "echo > /dev/null && busybox grep ' /dev ' /proc/mounts; echo > /dev/new";
    lab.configure({ args: ["sh", "-c", script], spec: { mounts } });
    const { stdout, stderr } = await lab.run("run", lab.id);
    expect(stdout).toContain(" /dev tmpfs ro,nosuid");
    expect(stderr).toContain("/dev/new: Read-only file system");
  });

  test("a tmpfs without a mode has that of the directory it covers", async () => {
    await using lab = openOciLab();
    const tmpfs = (destination: string, ...options: string[]) => ({ destination, type: "tmpfs", options });
    const mounts = [tmpfs("/root"), tmpfs("/root/below"), tmpfs("/tmp", "mode=0700"), tmpfs("/new")];
    lab.configure({
      args: ["busybox", "stat", "-c", "%a", "/root", "/root/below", "/tmp", "/new"],
      spec: { mounts },
    });
    chmodSync(join(lab.rootfs, "root"), 0o3710);
    expect((await lab.ok("run", lab.id)).split("\n")).toEqual(["3710", "1777", "700", "1777"]);
  });

  test("gets $LISTEN_FDS and --preserve-fds, in this order", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4"] });
    const files = ["one ", "two "].map((text, index) => {
      const path = join(lab.directory, String(index));
      writeFileSync(path, text);
      return path;
    });
    const runtime = [
      lab.runtime,
      "--root",
      lab.stateRoot,
      "run",
      "--preserve-fds",
      "1",
      "-b",
      lab.bundle,
      lab.id,
    ];
    const script = 'a=$1 b=$2; shift 2; exec "$@" 3<"$a" 4<"$b"';
    const child = Bun.spawnSync(["sh", "-c", script, "sh", ...files, ...runtime], {
      env: { ...process.env, LISTEN_FDS: "1", LISTEN_PID: "1" },
      stderr: "pipe",
    });
    expect([child.stderr.toString(), child.stdout.toString()]).toEqual(["", "1 1\none two "]);
  });

  test("in the foreground has a terminal of its own size where process.terminal asks", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sh"], process: { terminal: true } });
    await using session = lab.terminal("run", lab.id);
    session.type("tty; stty size; exit 6\n");
    await session.waitFor(/\/dev\/pts\/0\s+24 80/);
    expect(await session.exited).toBe(6);
  });

  test("keeps its seccomp filter however little that allows, and the exec's is the same", async () => {
    await using lab = openOciLab();
    const linux = {
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [
          { names: ["close_range", "umask", "mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1 },
        ],
      },
    } as const;
    await running(lab, { process: { noNewPrivileges: false }, linux });
    const { exitCode, stderr } = await lab.run("exec", lab.id, "mkdir", "/tmp/x");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("Operation not permitted")]);
  });

  test("in a user namespace is root there and somebody else here", async () => {
    await using lab = openOciLab();
    const uidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
    Bun.spawnSync(["chown", "-R", "100000:100000", lab.rootfs]);
    const namespaces = (["pid", "ipc", "uts", "mount", "user"] as const).map((type) => ({ type }));
    const sys = { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "ro"] };
    const spec = lab.configure();
    const mounts = (spec.mounts ?? []).filter(({ destination }) => !destination.startsWith("/sys"));
    lab.configure({
      linux: { namespaces, uidMappings, gidMappings: uidMappings, resources: {} },
      spec: { mounts: [...mounts, sys] },
    });
    await lab.ok("run", "-d", lab.id);
    const { pid } = await lab.state();
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toContain("Uid:\t100000\t100000");
    expect(await lab.ok("exec", lab.id, "sh", "-c", "id -u; touch /made; cat /proc/self/uid_map")).toMatch(
      /^0\n\s+0\s+100000\s+65536$/,
    );
    expect(existsSync(join(lab.rootfs, "made"))).toBe(true);
  });

  test("shares a namespace by path with another", async () => {
    await using lab = openOciLab();
    await running(lab);
    const { pid } = await lab.state();
    const namespaces = [
      { type: "uts", path: `/proc/${pid}/ns/uts` },
      { type: "pid", path: `/proc/${pid}/ns/pid` },
      { type: "mount" },
    ] as const;
    lab.configure({
      args: ["sh", "-c", "hostname; cat /proc/1/cmdline"],
      linux: { namespaces },
      spec: { hostname: "" },
    });
    expect(await lab.ok("run", `${lab.id}b`)).toBe("bocker\nsleep\u000060\u0000");
  });

  test("has its stats as runc prints them, and says when memory ran out", async () => {
    await using lab = openOciLab();
    await running(lab, { linux: { resources: { pids: { limit: 21 } } } });
    const event = JSON.parse(await lab.ok("events", "--stats", lab.id));
    expect(event).toMatchObject({ type: "stats", id: lab.id, data: { pids: { current: 1, limit: 21 } } });
    expect(event.data.cpu.usage.total).toBeGreaterThan(0);
    expect(event.data.memory.usage.usage).toBeGreaterThan(0);
  });
});
