/**
 * Published ports from the outside: every form of -p, -P, what is refused, ports of a running container that change, and
 * a monitor that rests while it serves them.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { bindSocket } from "../../ffi/bound-socket.ts";
import { close } from "../../ffi/file.ts";
import { syscall } from "../../ffi/libc.ts";
import { runCommand, tryCommand } from "../../src/host/run-command.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let table: string;
beforeAll(() => {
  bocker = openWorkspace();
  table = bocker.bridge;
});
afterAll(() => bocker[Symbol.asyncDispose]());
afterEach(async () => {
  const ids = (await bocker.run("ps", "-aq")).stdout.split("\n").filter((id) => id !== "");
  if (ids.length > 0) await bocker.ok("rm", "-f", ...ids);
});

/** A page of its name, on a port that is given back at once: nobody else asks for a port by number here. */
const serve = (name: string, port = 80) => [
  "busybox",
  "sh",
  "-c",
  `echo ${name} > /index.html; exec httpd -f -p ${port} -h /`,
];

function start(name: string, ...options: readonly string[]): Promise<string> {
  return bocker.ok("run", "-d", "--name", name, ...options, ...serve(name));
}

let nextPort = 20_000 + ((process.pid * 7) % 5000);

/** A host port that is free in both families and both protocols, and the ones after it; never one that was used here. */
function freePorts(count: number): number {
  for (let first = nextPort; first < 32_000; first += count) {
    const sockets: number[] = [];
    try {
      for (let offset = 0; offset < count; offset++) {
        sockets.push(
          bindSocket("tcp", "0.0.0.0", first + offset),
          bindSocket("udp", "0.0.0.0", first + offset),
        );
        sockets.push(bindSocket("tcp", "::", first + offset));
      }
      nextPort = first + count;
      return first;
    } catch {
      // Somebody has one of them.
    } finally {
      for (const socket of sockets) close(socket);
    }
  }
  throw new Error("no free ports");
}

async function get(host: string, port: number): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(`http://${host}:${port}/index.html`, { signal: AbortSignal.timeout(2000) });
      return (await answer.text()).trim();
    } catch (error) {
      if (tries === 200) throw error;
      await Bun.sleep(50);
    }
  }
}

/** Elements of bocker's maps, as nft lists them. */
function published(): string {
  return (
    tryCommand(["nft", "list", "table", "inet", table])
      .stdout.match(/(tcp|udp) \. \d+ : /g)
      ?.join(" ") ?? ""
  );
}

describe("forms of -p", () => {
  test("ranges, protocols, addresses, and = for :", async () => {
    const first = freePorts(6);
    await start(
      "forms",
      "-p",
      `${first}-${first + 1}:80-81`,
      "-p",
      `${first + 2}:53/udp`,
      "-p",
      `127.0.0.1:${first + 3}:82`,
      "-p",
      `[::1]:${first + 4}:83`,
      "-p",
      `${first + 5}=84`,
    );
    expect((await bocker.ok("port", "forms")).split("\n")).toEqual([
      `53/udp -> 0.0.0.0:${first + 2}`,
      `53/udp -> [::]:${first + 2}`,
      `80/tcp -> 0.0.0.0:${first}`,
      `80/tcp -> [::]:${first}`,
      `81/tcp -> 0.0.0.0:${first + 1}`,
      `81/tcp -> [::]:${first + 1}`,
      `82/tcp -> 127.0.0.1:${first + 3}`,
      `83/tcp -> [::1]:${first + 4}`,
      `84/tcp -> 0.0.0.0:${first + 5}`,
      `84/tcp -> [::]:${first + 5}`,
    ]);
    expect(await get("127.0.0.1", first)).toBe("forms");
    expect(await get("[::1]", first)).toBe("forms");
  });

  test("a range of the host for one port: the first that is free", async () => {
    const first = freePorts(3);
    const [one, two] = [
      await start("one", "-p", `${first}-${first + 2}:80`),
      await start("two", "-p", `${first}-${first + 2}:80`),
    ];
    expect([one, two].every((id) => id.length === 64)).toBe(true);
    expect([await get("127.0.0.1", first), await get("127.0.0.1", first + 1)]).toEqual(["one", "two"]);
  });

  test("-P publishes what is exposed and not named", async () => {
    const first = freePorts(1);
    await start(
      "all",
      "-P",
      "--expose",
      "90-91",
      "--expose",
      "92/udp",
      "--expose",
      "80",
      "-p",
      `${first}:80`,
    );
    const container = await bocker.inspect("all");
    const ports = container.NetworkSettings.Ports;
    expect(Object.keys(ports).sort()).toEqual(["80/tcp", "90/tcp", "91/tcp", "92/udp"]);
    expect(ports["80/tcp"][0]).toEqual({ HostIp: "0.0.0.0", HostPort: String(first) });
    expect(Number(ports["92/udp"][0].HostPort)).toBeGreaterThan(1023);
    expect(container.HostConfig.PublishAllPorts).toBe(true);
    expect(Object.keys(container.Config.ExposedPorts)).toEqual(["80/tcp", "90/tcp", "91/tcp", "92/udp"]);
  });

  test.each([
    [["-p", "70000:80"], "invalid hostPort: 70000"],
    [["-p", "80:0"], "invalid containerPort: 0"],
    [["-p", "8000-8002:80-81"], "invalid ranges specified for container and host Ports: 80-81 and 8000-8002"],
    [["-p", "1.2.3:80:80"], "invalid IP address: 1.2.3"],
    [["-p", "80:80/icmp"], "invalid proto: icmp"],
    [["-p", "127.0.0.1:9:9/sctp"], "only a firewall forwards sctp"],
    [["--expose", "80:80"], "invalid port format for --expose: 80:80"],
    [["--expose", "81-80"], "invalid range format for --expose: 81-80"],
  ] as const)("%p is refused", async (options, message) => {
    const { exitCode, stderr } = await bocker.run("run", "--rm", ...options, "busybox", "true");
    expect(stderr).toContain(message);
    expect(exitCode).toBe(125);
  });
});

describe("taken ports", () => {
  test("by any process of the host: an error before anything starts", async () => {
    const first = freePorts(1);
    const socket = bindSocket("udp", "127.0.0.1", first);
    const { exitCode, stderr } = await bocker.run("run", "--rm", "-p", `${first}:53/udp`, ...serve("late"));
    close(socket);
    expect(stderr).toMatch(
      new RegExp(
        `failed to bind host port for 0\\.0\\.0\\.0:${first}:[0-9.]+:53/udp: address already in use`,
      ),
    );
    expect(exitCode).toBe(125);
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("a port of the engine's choice that looks free and is not is chosen again", async () => {
    const first = freePorts(2);
    // Bound and not listening: the kernel lists no such socket.
    const AF_INET = 2;
    const socket = syscall("socket", [AF_INET, 1, 0]);
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_INET, true);
    view.setUint16(2, first);
    syscall("bind", [socket, address, 16]);
    await start("retry", "-p", `${first}-${first + 1}:80`);
    close(socket);
    expect(await get("127.0.0.1", first + 1)).toBe("retry");
    expect(await bocker.ok("port", "retry", "80")).toContain(`0.0.0.0:${first + 1}`);
  });
});

describe("ports of a running container", () => {
  test("change at once, in the firewall too, and stay over a restart", async () => {
    const first = freePorts(3);
    await start("web", "-p", `${first}:80`);
    expect(await get("127.0.0.1", first)).toBe("web");
    await bocker.ok("update", "--publish", `${first + 1}:80`, "--publish-rm", "80", "web");
    expect(await get("127.0.0.1", first + 1)).toBe("web");
    expect(await get(`${bocker.subnetPrefix}.1`, first + 1)).toBe("web");
    await expect(fetch(`http://127.0.0.1:${first}/`)).rejects.toThrow();
    expect(published()).toBe(`tcp . ${first + 1} : `);
    expect(await bocker.ok("ps", "--format", "{{.Ports}}")).toBe(
      `0.0.0.0:${first + 1}->80/tcp, [::]:${first + 1}->80/tcp`,
    );
    await bocker.ok("update", "-p", `127.0.0.1:${first + 2}:80`, "web");
    await bocker.ok("restart", "-t", "0", "web");
    expect(await get("127.0.0.1", first + 2)).toBe("web");
    const bindings = (await bocker.inspect("web")).HostConfig.PortBindings["80/tcp"];
    expect(bindings).toEqual([
      { HostIp: "", HostPort: String(first + 1) },
      { HostIp: "127.0.0.1", HostPort: String(first + 2) },
    ]);
  });

  test("are all as before when one is taken", async () => {
    const first = freePorts(3);
    await start("one", "-p", `${first}:80`);
    await start("two", "-p", `${first + 1}:80`);
    const before = [await bocker.ok("port", "one"), published()];
    const held = await bocker.run("update", "-p", `${first + 1}:80`, "-p", `${first + 2}:80`, "one");
    expect(held.stderr).toContain(`Bind for 0.0.0.0:${first + 1} failed: port is already allocated`);
    const socket = bindSocket("tcp", "::", first + 2);
    const bound = await bocker.run("update", "--publish-rm", "80", "-p", `${first + 2}:80`, "one");
    close(socket);
    expect(bound.stderr).toContain("address already in use");
    expect([held.exitCode, bound.exitCode]).toEqual([1, 1]);
    expect([await bocker.ok("port", "one"), published()]).toEqual(before);
    expect(await get("127.0.0.1", first)).toBe("one");
  });

  test("a stopped one is told, and has them when it starts; one that is not published is an error", async () => {
    const first = freePorts(1);
    await bocker.ok("create", "--name", "later", ...serve("later"));
    await bocker.ok("update", "-p", `${first}:80`, "-p", "81", "later");
    await bocker.ok("update", "--publish-rm", "81/tcp", "later");
    const wrong = await bocker.run("update", "--publish-rm", "99", "later");
    expect(wrong.stderr).toContain("No public port '99/tcp' published for later");
    expect(wrong.exitCode).toBe(1);
    await bocker.ok("start", "later");
    expect(await get("127.0.0.1", first)).toBe("later");
    expect(await bocker.ok("port", "later")).not.toContain("81/tcp");
  });

  test("follow the network with the default route", async () => {
    const first = freePorts(1);
    await start("moved", "-p", `${first}:80`);
    await bocker.ok("network", "create", "aside");
    await bocker.ok("network", "connect", "aside", "moved");
    expect(await get("127.0.0.1", first)).toBe("moved");
    await bocker.ok("network", "disconnect", "bridge", "moved");
    const address = (await bocker.inspect("moved")).NetworkSettings.Networks.aside.IPAddress;
    expect(tryCommand(["nft", "list", "table", "inet", table]).stdout).toContain(
      `tcp . ${first} : ${address} . 80`,
    );
    expect(await get("127.0.0.1", first)).toBe("moved");
    await bocker.ok("network", "disconnect", "aside", "moved");
    expect([await bocker.ok("port", "moved"), published()]).toEqual(["", ""]);
    await bocker.ok("network", "connect", "aside", "moved");
    expect(await get("127.0.0.1", first)).toBe("moved");
    await bocker.ok("rm", "-f", "moved");
    await bocker.ok("network", "rm", "aside");
  });
});

test("a monitor that rests serves the ports, and changes them", async () => {
  const first = freePorts(3);
  await start("resting", "-p", `${first}:80`, "-p", `${first + 1}:90/udp`);
  const { Pid } = (await bocker.inspect("resting")).State;
  const monitor = /^PPid:\s+(\d+)$/m.exec(await Bun.file(`/proc/${Pid}/status`).text())?.[1];
  // How a monitor is told, when it executes itself anew, what it was before.
  const hasRested = async () =>
    (await Bun.file(`/proc/${monitor}/environ`).text()).includes("BOCKER_MONITOR_STATE=");
  for (let tries = 0; tries < 200 && !(await hasRested()); tries++) await Bun.sleep(50);
  expect(await hasRested()).toBe(true);
  expect(await get("127.0.0.1", first)).toBe("resting");
  await bocker.ok("update", "-p", `${first + 2}:80`, "--publish-rm", `${first}:80`, "resting");
  expect(await get("127.0.0.1", first + 2)).toBe("resting");
  await expect(fetch(`http://127.0.0.1:${first}/`)).rejects.toThrow();
  expect(() => close(bindSocket("udp", "0.0.0.0", first + 1))).toThrow("address already in use");
  await bocker.ok("stop", "-t", "0", "resting");
  close(bindSocket("udp", "0.0.0.0", first + 1));
  close(bindSocket("tcp", "0.0.0.0", first + 2));
});

describe("network reload", () => {
  test("makes rules, bridge and links again", async () => {
    const first = freePorts(1);
    const id = await start("healed", "-p", `${first}:80`);
    runCommand(["nft", "delete", "table", "inet", table]);
    runCommand(["ip", "link", "del", bocker.bridge]);
    expect(await bocker.ok("network", "reload")).toBe(id);
    expect(await get(`${bocker.subnetPrefix}.1`, first)).toBe("healed");
    expect(published()).toBe(`tcp . ${first} : `);
    const link =
      tryCommand(["ip", "-o", "link", "show", "master", bocker.bridge]).stdout.split(/[:@ ]+/)[1] ?? "";
    runCommand(["ip", "link", "del", link]);
    expect(await bocker.ok("network", "reload", "healed")).toBe("healed");
    expect(await get(`${bocker.subnetPrefix}.1`, first)).toBe("healed");
    expect((await bocker.run("exec", "healed", "ip", "route")).stdout).toContain("default via");
  });

  test("takes containers or --all, and says which it does not know", async () => {
    expect((await bocker.run("network", "reload", "nobody")).stderr).toContain("No such container: nobody");
    const both = await bocker.run("network", "reload", "--all", "nobody");
    expect(both.stderr).toContain("conflicting options");
    expect(both.exitCode).toBe(1);
  });
});
