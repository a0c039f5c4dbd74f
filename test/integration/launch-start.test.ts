/**
 * Starting a container's first process: what it sees, what it may not, what fails and how. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { close } from "../../ffi/file.ts";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { isProcessAlive, readProcessIdentity } from "../../src/host/process-identity.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { signalProcess } from "../../src/runtime/signal-process.ts";
import {
  contextFor,
  defaultMounts,
  failureOf,
  hostMounts,
  isRoot,
  runIn,
  specFor,
  startPlan,
  temporaryRootfs,
} from "./launch-fixture.ts";

/** Number and file of each descriptor that is open here; those of tests before may still go meanwhile. */
function openFds(): string[] {
  const fds = readdirSync("/proc/self/fd");
  return fds
    .filter((fd) => existsSync(`/proc/self/fd/${fd}`))
    .map((fd) => `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`);
}

describe.skipIf(!isRoot)("a container's first process", () => {
  test("is PID 1 with its own host name, interfaces and mounts, and nothing shows on the host", async () => {
    using rootfs = temporaryRootfs();
    const script = "echo $$; hostname; ip -o link; cat /proc/mounts";
    const { exit, stdout } = await runIn(rootfs, ["sh", "-c", script]);
    const [pid, hostname, link, rootMount] = stdout.split("\n");
    expect(exit).toEqual({ exitCode: 0, coreDumped: false });
    expect([pid, hostname]).toEqual(["1", "box"]);
    expect(link).toContain("lo: <LOOPBACK,UP,LOWER_UP>");
    expect(rootMount).toMatch(/ \/ /);
    expect(stdout).not.toContain(rootfs.outside);
    expect(hostMounts(rootfs.path)).toEqual([]);
  });

  test("has an overlay for a root whose mount never was on the host", async () => {
    using rootfs = temporaryRootfs();
    for (const name of ["upper", "work"]) mkdirSync(join(rootfs.outside, name));
    const context = fsopen("overlay");
    fsconfig(context, { set: "string", key: "lowerdir", value: rootfs.path });
    fsconfig(context, { set: "string", key: "upperdir", value: join(rootfs.outside, "upper") });
    fsconfig(context, { set: "string", key: "workdir", value: join(rootfs.outside, "work") });
    fsconfig(context, { set: "create" });
    const mount = fsmount(context);
    close(context);
    const start = { rootfs: { kind: "mount", description: "overlay" } } as const;
    const { exit } = await runIn(rootfs, ["touch", "/tmp/new"], {}, start, { fds: { rootfs: mount } });
    close(mount);
    expect(exit.exitCode).toBe(0);
    expect(existsSync(join(rootfs.outside, "upper/tmp/new"))).toBe(true);
    expect(existsSync(join(rootfs.path, "tmp/new"))).toBe(false);
    expect(hostMounts(rootfs.outside)).toEqual([]);
  });

  test("has an overlay made with the old call where fsconfig cannot", async () => {
    using rootfs = temporaryRootfs();
    const at = (name: string) => join(rootfs.outside, name);
    for (const name of ["upper", "work", "point"]) mkdirSync(at(name));
    const overlay = {
      lowerdirs: [rootfs.path],
      upperdir: at("upper"),
      workdir: at("work"),
      mountPoint: at("point"),
    };
    const { exit } = await runIn(
      rootfs,
      ["touch", "/tmp/new"],
      {},
      { rootfs: { kind: "overlay", ...overlay } },
    );
    expect(exit.exitCode).toBe(0);
    expect(existsSync(at("upper/tmp/new"))).toBe(true);
    expect(hostMounts(rootfs.outside)).toEqual([]);
  });

  test("inherits no descriptor, no ignored signal and no blocked signal of the engine", async () => {
    using rootfs = temporaryRootfs();
    const fds = await runIn(rootfs, ["ls", "-l", "/proc/self/fd"]);
    const numbers = [...fds.stdout.matchAll(/ (\d+) -> (\S+)/g)].map(
      ([, fd, file]) => `${fd} ${file?.split(":")[0]}`,
    );
    expect(numbers).toEqual(["0 /dev/null", "1 pipe", "2 pipe"]);
    const signals = await runIn(rootfs, ["grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status"]);
    expect(signals.stdout).toBe("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });

  test("leaves no descriptor and no child behind here", async () => {
    using rootfs = temporaryRootfs();
    await runIn(rootfs, ["sh"]);
    const before = openFds();
    await runIn(rootfs, ["sh"]);
    await failureOf(runIn(rootfs, ["nosuch"]));
    await failureOf(runIn(rootfs, ["sh"], {}, {}, { beforeGo: () => Promise.reject(new Error("hook")) }));
    expect(openFds().filter((each) => !before.includes(each))).toEqual([]);
    expect(readFileSync("/proc/thread-self/children", "utf8")).toBe("");
  });

  test("gets exit codes as docker has them", async () => {
    using rootfs = temporaryRootfs();
    expect((await runIn(rootfs, ["sh", "-c", "exit 42"])).exit.exitCode).toBe(42);
    const spec = specFor(["sleep", "60"]);
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec)));
    expect(signalProcess(child.process.identity, 9)).toBe(true);
    expect((await child.output).exit).toEqual({ exitCode: 137, signal: 9, coreDumped: false });
    expect(signalProcess(child.process.identity, 9)).toBe(false);
  });

  test("many at once are all waited for, although their signals coalesce", async () => {
    using rootfs = temporaryRootfs();
    const codes = [0, 1, 2, 3, 4, 5, 6, 7];
    const outputs = await Promise.all(codes.map((code) => runIn(rootfs, ["sh", "-c", `exit ${code}`])));
    expect(outputs.map(({ exit }) => exit.exitCode)).toEqual(codes);
  });
});

describe.skipIf(!isRoot)("identity and privileges", () => {
  test("user, groups, umask, working directory and environment are the Spec's", async () => {
    using rootfs = temporaryRootfs();
    const process = {
      user: { uid: 1000, gid: 1001, additionalGids: [7, 8], umask: 0o077 },
      cwd: "/made/for/me",
      env: ["PATH=/bin", "A=1"],
    };
    const { stdout } = await runIn(rootfs, ["sh", "-c", "id -u; id -g; id -G; umask; pwd; env"], { process });
    expect(stdout.split("\n").slice(0, 5)).toEqual(["1000", "1001", "1001 7 8", "0077", "/made/for/me"]);
    expect(stdout).toContain("A=1");
    expect(lstatSync(join(rootfs.path, "made/for/me")).uid).toBe(0);
  });

  test("capability sets are the Spec's, for root and for others", async () => {
    using rootfs = temporaryRootfs();
    const script = ["grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status"];
    const asRoot = await runIn(rootfs, script);
    expect(asRoot.stdout).toContain("CapEff:\t00000000a80425fb");
    expect(asRoot.stdout).toContain("CapBnd:\t00000000a80425fb");
    const process = { user: { uid: 5, gid: 5 }, noNewPrivileges: true };
    const asUser = await runIn(rootfs, script, { process });
    expect(asUser.stdout).toContain("CapEff:\t0000000000000000");
    expect(asUser.stdout).toContain("CapBnd:\t00000000a80425fb");
    expect(asUser.stdout).toContain("NoNewPrivs:\t1");
  });

  test("ambient capabilities reach a user that is not root", async () => {
    using rootfs = temporaryRootfs();
    const all = ["CAP_NET_BIND_SERVICE"];
    const capabilities = { bounding: all, effective: all, permitted: all, inheritable: all, ambient: all };
    const process = { user: { uid: 5, gid: 5 }, capabilities };
    const { stdout } = await runIn(rootfs, ["grep", "CapEff", "/proc/self/status"], { process });
    expect(stdout.trim()).toBe("CapEff:\t0000000000000400");
  });

  test("a seccomp filter holds, with and without no_new_privs", async () => {
    using rootfs = temporaryRootfs();
    const seccomp = refuseMkdir();
    for (const noNewPrivileges of [true, false]) {
      const script = "mkdir /tmp/refused; grep Seccomp: /proc/self/status";
      const { stdout, stderr } = await runIn(
        rootfs,
        ["sh", "-c", script],
        { process: { noNewPrivileges } },
        { seccomp },
      );
      expect(stderr).toContain("Operation not permitted");
      expect(stdout.trim()).toBe("Seccomp:\t2");
    }
  });

  test("limits and oom_score_adj are set", async () => {
    using rootfs = temporaryRootfs();
    const process = { rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }], oomScoreAdj: 321 };
    const script = "ulimit -Sn; ulimit -Hn; cat /proc/self/oom_score_adj";
    const { stdout } = await runIn(rootfs, ["sh", "-c", script], { process });
    expect(stdout).toBe("100\n200\n321\n");
  });

  test("dies with the engine, however that dies", async () => {
    using rootfs = temporaryRootfs();
    const engine = Bun.spawn([process.execPath, join(import.meta.dir, "launch-victim.ts"), rootfs.path], {
      stdout: "pipe",
    });
    const { value } = await engine.stdout.getReader().read();
    const identity = readProcessIdentity(Number(new TextDecoder().decode(value)));
    if (identity === undefined) throw new Error("no container was started");
    engine.kill("SIGKILL");
    await engine.exited;
    for (let turn = 0; turn < 8000 && isProcessAlive(identity); turn++) await Bun.sleep(5);
    expect(isProcessAlive(identity)).toBe(false);
  });
});

describe.skipIf(!isRoot)("file systems", () => {
  test("device nodes, links and pts are there; writing to /dev/null works", async () => {
    using rootfs = temporaryRootfs();
    const script =
      "for n in null zero full random urandom tty; do stat -c '%t:%T %a' /dev/$n; done; readlink /dev/fd; readlink /dev/ptmx; echo x > /dev/null && ls /dev/pts";
    const { stdout } = await runIn(rootfs, ["sh", "-c", script]);
    expect(stdout.split("\n")).toEqual([
      "1:3 666",
      "1:5 666",
      "1:7 666",
      "1:8 666",
      "1:9 666",
      "5:0 666",
      "/proc/self/fd",
      "pts/ptmx",
      "ptmx",
      "",
    ]);
  });

  test("masked paths are empty or unreadable, read-only paths cannot be written, missing ones do not matter", async () => {
    using rootfs = temporaryRootfs();
    const linux = {
      maskedPaths: ["/proc/kcore", "/proc/interrupts", "/proc/acpi", "/sys/firmware", "/proc/not-there"],
      readonlyPaths: ["/proc/sys", "/proc/sysrq-trigger", "/proc/not-there"],
    };
    const script =
      "cat /proc/interrupts | wc -c; ls /sys/firmware | wc -l; echo 1 > /proc/sys/net/ipv4/ip_forward";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { linux });
    expect(stdout).toBe("0\n0\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("sysctls are written before /proc/sys becomes read-only", async () => {
    using rootfs = temporaryRootfs();
    const linux = { sysctl: { "net.ipv4.ip_forward": "1" }, readonlyPaths: ["/proc/sys"] };
    expect((await runIn(rootfs, ["cat", "/proc/sys/net/ipv4/ip_forward"], { linux })).stdout).toBe("1\n");
    const unknown = await failureOf(runIn(rootfs, ["sh"], { linux: { sysctl: { "net.no.such": "1" } } }));
    expect(unknown.message).toContain("open /proc/sys/net/no/such: no such file or directory");
  });

  test("a volume is mounted, read-only where asked, its target made, files on files", async () => {
    using rootfs = temporaryRootfs();
    writeFileSync(join(rootfs.outside, "file"), "from the host\n");
    const mounts = [
      {
        destination: "/data/deep",
        type: "bind",
        source: rootfs.outside,
        options: ["rbind", "ro", "rprivate"],
      },
      {
        destination: "/etc/single",
        type: "bind",
        source: join(rootfs.outside, "file"),
        options: ["rbind", "rprivate"],
      },
    ];
    const script = "cat /data/deep/file /etc/single; touch /data/deep/x; echo more >> /etc/single";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { mounts });
    expect(stdout).toBe("from the host\nfrom the host\n");
    expect(stderr).toContain("Read-only file system");
    expect(readFileSync(join(rootfs.outside, "file"), "utf8")).toBe("from the host\nmore\n");
    expect(lstatSync(join(rootfs.path, "etc/single")).isFile()).toBe(true);
  });

  test("a volume works the same on kernels without mount_setattr", async () => {
    using rootfs = temporaryRootfs();
    const mounts = [
      { destination: "/data", type: "bind", source: rootfs.outside, options: ["rbind", "ro", "nosuid"] },
    ];
    const linux = { readonlyPaths: ["/proc/sys"] };
    const kernel = { mountSetattr: false, closeRangeCloexec: false };
    const script = "touch /data/x; echo 1 > /proc/sys/net/ipv4/ip_forward; grep /data /proc/mounts";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { mounts, linux }, { kernel });
    expect(stderr.match(/Read-only file system/g)).toHaveLength(2);
    expect(stdout).toMatch(/ \/data \S+ ro,nosuid/);
  });

  test("an image's symlinks never lead a mount target outside", async () => {
    using rootfs = temporaryRootfs();
    mkdirSync(join(rootfs.outside, "victim"));
    symlinkSync(join(rootfs.outside, "victim"), join(rootfs.path, "absolute"));
    symlinkSync("../../../../../../../../../tmp", join(rootfs.path, "climbing"));
    const volume = (destination: string) => ({
      destination,
      type: "tmpfs",
      source: "tmpfs",
      options: ["size=1m"],
    });
    const dangling = await failureOf(runIn(rootfs, ["sh"], { mounts: [volume("/absolute/new")] }));
    expect(dangling.message).toContain('error mounting "tmpfs" to rootfs at "/absolute/new"');
    const { stdout } = await runIn(rootfs, ["grep", "tmpfs /tmp", "/proc/mounts"], {
      mounts: [volume("/climbing")],
    });
    expect(stdout).toContain("tmpfs /tmp tmpfs");
    expect(readdirSync(join(rootfs.outside, "victim"))).toEqual([]);
  });

  test("proc on a symlink is refused: a forged /proc would fool whoever reads it", async () => {
    using rootfs = temporaryRootfs();
    const image = join(rootfs.path, "image");
    mkdirSync(join(image, "forged"), { recursive: true });
    symlinkSync("forged", join(image, "proc"));
    const spec = specFor(["sh"]);
    const error = await failureOf(startPlan(planStart(spec, contextFor(image, spec))));
    expect(error.message).toContain('error mounting "proc" to rootfs at "/proc"');
    expect(error.hint).toContain("symbolic link");
  });

  test("a read-only root is read-only, with writable mounts in it", async () => {
    using rootfs = temporaryRootfs();
    const script = "touch /x; touch /dev/shm/y && ls /dev/shm";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], {
      root: { path: "rootfs", readonly: true },
    });
    expect(stderr).toContain("Read-only file system");
    expect(stdout).toBe("y\n");
  });

  test("a directory on a file is explained with both names", async () => {
    using rootfs = temporaryRootfs();
    const mounts = [{ destination: "/etc/passwd", type: "bind", source: rootfs.outside, options: ["rbind"] }];
    const error = await failureOf(runIn(rootfs, ["sh"], { mounts }));
    expect(error.message).toContain(`error mounting "${rootfs.outside}" to rootfs at "/etc/passwd"`);
    expect(error.message).toContain("not a directory");
    expect(error.hint).toContain("mount a directory onto a file (or vice-versa)");
  });

  test("what made the process fail is the error, not what could not be done for a dead process", async () => {
    using rootfs = temporaryRootfs();
    const mounts = [{ destination: "/x", type: "bind", source: "/no/such/source", options: ["rbind"] }];
    const beforeGo = async () => {
      await Bun.sleep(100);
      throw new Error("No such process");
    };
    const error = await failureOf(runIn(rootfs, ["sh"], { mounts }, {}, { beforeGo }));
    expect(error.message).toContain("/no/such/source");
  });

  test("a missing source is an error that names it", async () => {
    using rootfs = temporaryRootfs();
    const mounts = [
      { destination: "/x", type: "bind", source: join(rootfs.outside, "nope"), options: ["rbind"] },
    ];
    const error = await failureOf(runIn(rootfs, ["sh"], { mounts }));
    expect(error.message).toContain(`${rootfs.outside}/nope`);
    expect(error.message).toContain("no such file or directory");
  });

  test("on an initramfs the root is moved, not pivoted, and '..' ends there", async () => {
    using rootfs = temporaryRootfs();
    const script = "cd / && cd .. && pwd && ls -d /../../bin /work 2>&1";
    const { stdout } = await runIn(rootfs, ["sh", "-c", script], {}, { hostRoot: "ramfs" });
    expect(stdout).toContain("/../../bin");
    expect(stdout).toContain("/work: No such file or directory");
  });
});

describe.skipIf(!isRoot)("the command", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["nosuch", 'exec: "nosuch": executable file not found in $PATH', 127],
    ["/no/such", 'exec: "/no/such": stat /no/such: no such file or directory', 127],
    ["", 'exec: "": executable file not found in $PATH', 127],
    ["/etc/passwd", 'exec: "/etc/passwd": permission denied', 126],
    ["/etc", 'exec: "/etc": is a directory', 126],
    ["/bin/other-machine", "exec /bin/other-machine: exec format error", 126],
    ["no-interpreter", "exec /bin/no-interpreter: no such file or directory", 127],
  ];

  for (const [word, message, exitCode] of cases) {
    for (const init of [false, true]) {
      test(`"${word}" ${init ? "under --init " : ""}fails with ${exitCode}`, async () => {
        using rootfs = temporaryRootfs();
        writeFileSync(join(rootfs.path, "bin/other-machine"), "\x7fELF\x02\x01\x01", { mode: 0o755 });
        writeFileSync(join(rootfs.path, "bin/no-interpreter"), "#!/no/interpreter\n", { mode: 0o755 });
        const error = await failureOf(runIn(rootfs, [word], {}, { init }));
        expect(error.message).toEndWith(message);
        expect(error.exitCode).toBe(exitCode);
      });
    }
  }

  test("a working directory that is a file is an error", async () => {
    using rootfs = temporaryRootfs();
    const error = await failureOf(runIn(rootfs, ["sh"], { process: { cwd: "/etc/passwd" } }));
    expect(error.message).toContain('"/etc/passwd"');
  });

  test("a limit above what we may give is an error with a reason", async () => {
    using rootfs = temporaryRootfs();
    const process = { rlimits: [{ type: "RLIMIT_MSGQUEUE", soft: 2 ** 50, hard: 2 ** 50 }] };
    const outcome = await runIn(rootfs, ["sh"], { process }).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome.message).toContain("error setting rlimit RLIMIT_MSGQUEUE");
    else expect(outcome).toMatchObject({ exit: { exitCode: 0 } });
  });
});

describe.skipIf(!isRoot || Bun.which("ip") === null)("network", () => {
  test("eth0 gets its addresses and routes by plain ioctls", async () => {
    using rootfs = temporaryRootfs();
    const link = `bkt${process.pid % 100000}`;
    const setup = {
      name: "eth0",
      mac: "02:42:0a:63:00:02",
      mtu: 1400,
      address: "10.99.0.2/24",
      gateway: "10.99.0.1",
      address6: "fd99::2/64",
      gateway6: "fd99::1",
    };
    const beforeGo = (pid: number) => {
      const words = ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(pid)];
      if (!Bun.spawnSync(words).success) throw new Error("cannot make a veth pair");
    };
    const script = "ip addr show eth0; ip route; ip -6 route; ip -6 addr";
    const context = { network: { interfaces: [setup] } };
    const { stdout } = await runIn(rootfs, ["sh", "-c", script], {}, context, { beforeGo });
    expect(stdout).toContain("mtu 1400");
    expect(stdout).toContain("link/ether 02:42:0a:63:00:02");
    expect(stdout).toContain("inet 10.99.0.2/24 brd 10.99.0.255");
    expect(stdout).toContain("default via 10.99.0.1 dev eth0");
    expect(stdout).toContain("inet6 fd99::2/64 scope global");
    expect(stdout).toContain("default via fd99::1 dev eth0");
    // The kernel takes the pair down with the namespace, a moment later.
    for (let turn = 0; turn < 8000 && existsSync(`/sys/class/net/${link}`); turn++) await Bun.sleep(5);
    expect(existsSync(`/sys/class/net/${link}`)).toBe(false);
  });

  test("an interface that is not there is an error that names it", async () => {
    using rootfs = temporaryRootfs();
    const network = { interfaces: [{ name: "eth7", address: "10.99.0.2/24" }] };
    const error = await failureOf(runIn(rootfs, ["sh"], {}, { network }));
    expect(error.message).toContain("configuring interface eth7: ioctl: no such device");
  });
});

describe.skipIf(!isRoot)("--init", () => {
  test("reaps orphans, forwards signals, and exits with the command's status", async () => {
    using rootfs = temporaryRootfs();
    const script = "(sleep 0.05 &); sleep 0.2; ps | grep -c '[Z]ombie\\|sleep 0.05' ; echo $$; exit 5";
    const { exit, stdout } = await runIn(rootfs, ["sh", "-c", script], {}, { init: true });
    expect(exit.exitCode).toBe(5);
    expect(Number(stdout.split("\n")[1])).toBeGreaterThan(1);

    const spec = specFor([
      "sh",
      "-c",
      "trap 'exit 9' TERM; echo ready > /tmp/ready; while :; do sleep 0.02; done",
    ]);
    const child = await startPlan(planStart(spec, contextFor(rootfs.path, spec, { init: true })));
    while (!existsSync(join(rootfs.path, "tmp/ready"))) await Bun.sleep(5);
    signalProcess(child.process, 15);
    expect((await child.output).exit.exitCode).toBe(9);
  });

  test("a command killed by a signal gives 128 + n", async () => {
    using rootfs = temporaryRootfs();
    const { exit } = await runIn(rootfs, ["sh", "-c", "kill -KILL $$"], {}, { init: true });
    expect(exit.exitCode).toBe(137);
  });

  test("PID 1 is a sealed copy without descriptors of the engine", async () => {
    using rootfs = temporaryRootfs();
    const script = "cat /proc/1/comm; readlink /proc/1/exe; echo x > /proc/1/exe; touch /tmp/ready; sleep 60";
    const spec = specFor(["sh", "-c", script]);
    const { process, output } = await startPlan(
      planStart(spec, contextFor(rootfs.path, spec, { init: true })),
    );
    const proc = `/proc/${process.pid}`;
    expect(readlinkSync(`${proc}/exe`)).toContain("memfd:bocker-init");
    while (!existsSync(join(rootfs.path, "tmp/ready"))) await Bun.sleep(5);
    const fds = readdirSync(`${proc}/fd`).map((fd) => readlinkSync(`${proc}/fd/${fd}`).split(":")[0]);
    expect(fds).toEqual(["/dev/null", "pipe", "pipe"]);
    expect(() => writeFileSync(`${proc}/exe`, "x")).toThrow();
    signalProcess(process, 15);
    const { stdout, stderr } = await output;
    expect(stdout).toBe("bocker-init\n");
    expect(stderr).toMatch(/can't create \/proc\/1\/exe/);
  });
});

describe.skipIf(!isRoot)("cgroup view", () => {
  test("every v1 hierarchy of this host is there, read-only, rooted at the container's own cgroup", async () => {
    using rootfs = temporaryRootfs();
    const lines = readFileSync("/proc/self/cgroup", "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(":"));
    const names = lines.flatMap(([, controllers = ""]) => (controllers === "" ? [] : [controllers]));
    if (names.length === 0) return;
    const hierarchies = names.map((name) => {
      const named = name.startsWith("name=");
      return { directory: named ? name.slice(5) : name, options: named ? `none,${name}` : name };
    });
    const cgroup = {
      mode: "v1",
      hierarchies,
      links: [],
      ...(existsSync("/sys/fs/cgroup/unified") ? { unified: {} } : {}),
    } as const;
    const mounts = [
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"] },
    ];
    const linux = { namespaces: (["pid", "network", "mount", "cgroup"] as const).map((type) => ({ type })) };
    const script = "ls /sys/fs/cgroup; cat /proc/self/cgroup; for d in /sys/fs/cgroup/*; do mkdir $d/x; done";
    const { stdout, stderr } = await runIn(rootfs, ["sh", "-c", script], { mounts, linux }, { cgroup });
    for (const { directory } of hierarchies) expect(stdout).toContain(directory);
    expect(stdout.split("\n").filter((line) => /^\d+:/.test(line) && !line.endsWith(":/"))).toEqual([]);
    expect(stderr).toContain("Read-only file system");
  });
});

/** mkdir and mkdirat give EPERM, all else is allowed: classic BPF over seccomp_data (seccomp(2)). */
function refuseMkdir(): Uint8Array {
  const numbers = process.arch === "arm64" ? [34] : [83, 258];
  const program: (readonly [number, number, number, number])[] = [[0x20, 0, 0, 0]];
  for (const [index, number] of numbers.entries()) program.push([0x15, numbers.length - index, 0, number]);
  program.push([0x06, 0, 0, 0x7fff0000], [0x06, 0, 0, 0x00050001]);
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(([code, yes, no, k], index) => {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, yes);
    bytes.setUint8(index * 8 + 3, no);
    bytes.setUint32(index * 8 + 4, k, true);
  });
  return new Uint8Array(bytes.buffer);
}

test("the fixture's mounts are docker's, but for the cgroup view", () => {
  expect(defaultMounts.map(({ destination }) => destination)).toEqual([
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/dev/mqueue",
    "/dev/shm",
  ]);
});
