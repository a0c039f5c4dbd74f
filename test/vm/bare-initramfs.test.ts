/**
 * A machine that is nothing but an initramfs: / cannot be pivoted away from, there is no init system, no glibc tool, no nft.
 * Once with no cgroups at all, once with v2 and iproute2's ip.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../lib/source-tree.ts";
import { bootMachine, canBoot, type Machine } from "./machine.ts";

const bootTimeoutMs = 90_000;

describe.skipIf(!canBoot)("an initramfs with busybox alone, and no cgroups", () => {
  const directory = mkdtempSync("/tmp/bocker-test-");
  let machine: Machine;

  beforeAll(async () => {
    const climber = join(directory, "escape");
    Bun.spawnSync(["gcc", "-static", "-o", climber, join(repositoryRoot, "test/vm/escape.c")]);
    machine = await bootMachine({ root: "initramfs", cgroup: "none", programs: [climber] });
  }, bootTimeoutMs);

  afterAll(async () => {
    await machine[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test("runs the image that is built in, and passes status and streams on", async () => {
    expect(await machine.ok("head -n 1 /proc/mounts")).toStartWith("rootfs / rootfs ");
    const { exitCode, stdout, stderr } = await machine.run(
      "bocker run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 42'",
    );
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 42, stdout: "out\n", stderr: "err\n" });
  });

  test("the container's root is the image's, from every side", async () => {
    await machine.ok("echo host > /outside");
    const inside = "ls -d /outside /proc/1/root/outside /proc/self/cwd/outside /../outside 2>&1 || true";
    const found = await machine.ok(`bocker run --rm --network none busybox sh -c '${inside}'`);
    expect(found.split("\n").filter((line) => !line.includes("No such file"))).toEqual([]);
    const mounts = await machine.ok("bocker run --rm --network none busybox cat /proc/self/mounts");
    expect(mounts.split("\n")[0]).toStartWith("overlay / overlay ");
    // Of the initramfs, only the files that the engine itself gives to every container.
    const hosts = mounts.split("\n").filter((line) => line.startsWith("rootfs "));
    expect(hosts.map((line) => line.split(" ")[1]).sort()).toEqual([
      "/etc/hostname",
      "/etc/hosts",
      "/etc/resolv.conf",
    ]);
  });

  test("a process that climbs out of chroots arrives at the container's root", async () => {
    const found = await machine.ok(
      "bocker run --rm --network none --user root -v /bin/escape:/escape:ro busybox /escape",
    );
    const lists = found.split("\n");
    expect(lists).toHaveLength(3);
    for (const list of lists) {
      expect(list.split(" ")).toContain("below");
      expect(list.split(" ")).not.toContain("outside");
    }
  });

  test("a user namespace in the container gets no /proc that is not masked", async () => {
    const mount = "mkdir /tmp/p; mount -t proc proc /tmp/p; echo $?; ls /tmp/p/kcore";
    const { stdout, stderr } = await machine.run(
      `bocker run --rm --network none --security-opt seccomp=unconfined busybox unshare -U -r -m -p -f sh -c '${mount}'`,
    );
    expect(stdout).toBe("1\n");
    expect(stderr).toContain("permission denied");
  });

  test("may not unmount what covers the host's root", async () => {
    const { exitCode, stderr } = await machine.run("bocker run --rm --network none busybox umount -l /");
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/can't unmount \/: Operation not permitted/);
  });

  test("exec enters the same root", async () => {
    await machine.ok("bocker run -d --name held --network none busybox sleep 600");
    expect(await machine.ok("bocker exec held sh -c 'ls /outside 2>&1 || echo unseen'")).toContain("unseen");
    expect(await machine.ok("bocker exec held cat /proc/self/mounts | head -n 1")).toStartWith(
      "overlay / overlay ",
    );
    await machine.ok(
      "echo copied > /tmp/file; bocker cp /tmp/file held:/tmp/; bocker exec held rm /tmp/file",
    );
    await machine.ok("bocker stop -t 0 held; bocker start held; bocker rm -f held");
    expect(await machine.ok("bocker ps -aq")).toBe("");
    expect(await machine.ok("pidof sleep || echo gone")).toBe("gone");
  });

  test("a limit that nothing could hold is refused by name", async () => {
    const { exitCode, stderr } = await machine.run("bocker run --rm --network none -m 32m busybox true");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 125,
      stderr: expect.stringContaining("cannot make a cgroup: none is mounted"),
    });
  });

  test("a bridge needs a better ip than busybox's, and says so", async () => {
    const { exitCode, stderr } = await machine.run("bocker run --rm busybox true");
    expect(exitCode).toBe(125);
    expect(stderr).toContain("busybox's ip cannot do this; install the package iproute2");
  });

  test("nothing is left of containers that have ended", async () => {
    expect(await machine.ok("grep -c overlay /proc/mounts || true")).toBe("0");
    expect(await machine.ok("ls /run/bocker/containers")).toBe("");
  });
});

describe.skipIf(!canBoot)("an initramfs with cgroup v2 and iproute2", () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await bootMachine({ root: "initramfs", cgroup: "v2", programs: ["ip"] });
  }, bootTimeoutMs);
  afterAll(() => machine[Symbol.asyncDispose]());

  test("a service on a network of its own is reached by name, by port and by its address", async () => {
    await machine.ok("bocker network create site");
    await machine.ok(
      "bocker run -d --name web --network site -p 8080:80 busybox sh -c 'echo served > /tmp/index.html; exec httpd -f -h /tmp'",
    );
    const fetch = (url: string): string => `timeout 10 wget -qO- ${url}`;
    const wait = `for i in $(seq 50); do ${fetch("http://127.0.0.1:8080/")} >/dev/null 2>&1 && break; sleep 0.1; done`;
    expect(await machine.ok(`${wait}; ${fetch("http://127.0.0.1:8080/")}`)).toBe("served");
    expect(await machine.ok(`bocker run --rm --network site busybox ${fetch("http://web/")}`)).toBe("served");
    const address = await machine.ok(
      "bocker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' web",
    );
    expect(await machine.ok(fetch(`http://${address}/`))).toBe("served");
  });

  test("is seen, stopped for a while, limited and looked into while it runs", async () => {
    expect(await machine.ok("bocker ps --format '{{.Names}} {{.Ports}}'")).toContain(
      "web 0.0.0.0:8080->80/tcp",
    );
    expect(await machine.ok("bocker stats --no-stream --format '{{.Name}} {{.PIDs}}'")).toBe("web 1");
    await machine.ok("bocker pause web");
    expect(await machine.ok("bocker inspect -f '{{.State.Status}}' web")).toBe("paused");
    await machine.ok("bocker unpause web; bocker update -m 32m --memory-swap 32m --pids-limit 20 web");
    expect(await machine.ok("cat /sys/fs/cgroup/bocker/*/memory.max /sys/fs/cgroup/bocker/*/pids.max")).toBe(
      `${32 * 1024 * 1024}\n20`,
    );
    expect(await machine.ok("bocker exec web cat /sys/fs/cgroup/memory.max")).toBe(`${32 * 1024 * 1024}`);
    expect(await machine.ok("bocker top web -o pid,comm")).toContain("httpd");
  });

  test("leaves no link, no cgroup, no process and no mount behind", async () => {
    await machine.ok("bocker stop -t 0 web; bocker start web; bocker rm -f web; bocker network rm site");
    expect(await machine.ok("find /sys/fs/cgroup/bocker -mindepth 1 -type d")).toBe("");
    expect(await machine.ok("ls /sys/class/net | grep -v -e '^lo$' -e '^bocker0$' || true")).toBe("");
    expect(await machine.ok("pidof httpd || echo gone")).toBe("gone");
    expect(await machine.ok("grep -c -e overlay -e nsfs /proc/mounts || true")).toBe("0");
  });

  test("a container that is out of memory is killed, and that is known", async () => {
    const { exitCode } = await machine.run(
      "bocker run --name big --network none -m 16m --memory-swap 16m busybox sh -c 'dd if=/dev/zero of=/dev/shm/x bs=1M count=40'",
    );
    expect(exitCode).toBe(137);
    expect(await machine.ok("bocker inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' big")).toBe(
      "true 137",
    );
    await machine.ok("bocker rm big");
  });
});
