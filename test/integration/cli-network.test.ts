/**
 * The default bridge from the outside: addresses, names, ways out, published TCP ports.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const inBusybox = (...command: string[]) => bocker.run("run", "--rm", "busybox", ...command);

test("eth0 has an address of the subnet and a default route over the bridge", async () => {
  const { stdout } = await inBusybox("sh", "-c", "ip -4 -o addr show eth0; ip route");
  expect(stdout).toContain(`inet ${bocker.subnetPrefix}.`);
  expect(stdout).toContain(`default via ${bocker.subnetPrefix}.1 dev eth0`);
  expect(await bocker.leftovers()).toEqual([]);
});

test("lo is up, the gateway answers, and containers reach each other", async () => {
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "server",
    "busybox",
    "sh",
    "-c",
    "echo page > /index.html; exec httpd -f -p 80 -h /",
  );
  const address = (await bocker.inspect("server")).NetworkSettings.Networks.bridge.IPAddress;
  expect(address).toStartWith(`${bocker.subnetPrefix}.`);
  const { stdout } = await inBusybox(
    "sh",
    "-c",
    `ping -c1 -W1 127.0.0.1 >/dev/null && ping -c1 -W1 ${bocker.subnetPrefix}.1 >/dev/null && wget -qO- http://${address}/index.html`,
  );
  expect(stdout).toBe("page\n");
  await bocker.ok("rm", "-f", "server");
});

test("--network container:X shares interfaces, names and the host name", async () => {
  await bocker.ok("run", "-d", "--name", "owner", "-h", "owner-host", "busybox", "sleep", "60");
  const script = "hostname; cat /etc/hosts; ip -4 -o addr show eth0";
  const own = await bocker.ok("exec", "owner", "sh", "-c", script);
  const joined = await bocker.ok(
    "run",
    "--rm",
    "--network",
    "container:owner",
    "busybox",
    "sh",
    "-c",
    script,
  );
  expect(joined).toBe(own);
  expect(joined).toStartWith("owner-host\n");
  await bocker.ok("rm", "-f", "owner");
});

test("hosts, hostname and resolv.conf", async () => {
  const { stdout } = await inBusybox(
    "sh",
    "-c",
    "cat /etc/hosts; hostname; cat /etc/hostname; cat /etc/resolv.conf",
  );
  expect(stdout).toMatch(/^127\.0\.0\.1\s+localhost/m);
  const name = /^([0-9a-f]{12})$/m.exec(stdout)?.[1];
  expect(stdout).toMatch(
    new RegExp(`^${bocker.subnetPrefix.replaceAll(".", "\\.")}\\.\\d+\\s+${name}$`, "m"),
  );
  expect(stdout).toMatch(/^nameserver /m);
});

test("the address is free again, also after a crash of the container", async () => {
  const first = await bocker.ok("run", "-d", "--name", "first", "busybox", "sleep", "100");
  const address = (await bocker.inspect(first)).NetworkSettings.Networks.bridge.IPAddress;
  await bocker.ok("rm", "-f", "first");
  const seen = new Set<string>();
  for (let at = 0; at < 3; at++) seen.add((await inBusybox("hostname", "-i")).stdout.trim());
  expect(await bocker.leftovers()).toEqual([]);
  expect([...seen].every((one) => one.startsWith(bocker.subnetPrefix))).toBe(true);
  expect(address).toStartWith(bocker.subnetPrefix);
});

describe("published ports", () => {
  const serve = "echo port > /index.html; exec httpd -f -p 8080 -h /";

  test("reached by the host's addresses and by 127.0.0.1, gone with the container", async () => {
    const port = await freePort();
    await bocker.ok("run", "-d", "--name", "web", "-p", `${port}:8080`, "busybox", "sh", "-c", serve);
    for (const host of ["127.0.0.1", `${bocker.subnetPrefix}.1`])
      expect(await get(host, port)).toBe("port\n");
    expect(await bocker.ok("ps", "--format", "{{.Ports}}")).toContain(`0.0.0.0:${port}->8080/tcp`);
    const ports = (await bocker.inspect("web")).NetworkSettings.Ports["8080/tcp"];
    expect(ports[0]).toMatchObject({ HostPort: String(port) });
    await bocker.ok("rm", "-f", "web");
    await expect(get("127.0.0.1", port, 10)).rejects.toThrow();
    expect(await bocker.leftovers()).toEqual([]);
  });

  test("only on the address that was given", async () => {
    const port = await freePort();
    await bocker.ok(
      "run",
      "-d",
      "--name",
      "local",
      "-p",
      `127.0.0.1:${port}:8080`,
      "busybox",
      "sh",
      "-c",
      serve,
    );
    expect(await get("127.0.0.1", port)).toBe("port\n");
    await expect(get(`${bocker.subnetPrefix}.1`, port, 10)).rejects.toThrow();
    await bocker.ok("rm", "-f", "local");
  });

  test("port 0 and a bare container port pick a free one", async () => {
    await bocker.ok("run", "-d", "--name", "random", "-p", "8080", "busybox", "sh", "-c", serve);
    const [{ HostPort }] = (await bocker.inspect("random")).NetworkSettings.Ports["8080/tcp"];
    expect(await get("127.0.0.1", Number(HostPort))).toBe("port\n");
    await bocker.ok("rm", "-f", "random");
  });

  test("a port that another container has: docker's words, 125, nothing left", async () => {
    const port = await freePort();
    await bocker.ok("run", "-d", "--name", "holder", "-p", `${port}:8080`, "busybox", "sleep", "100");
    const { exitCode, stderr } = await bocker.run("run", "--rm", "-p", `${port}:8080`, "busybox", "true");
    expect(stderr).toContain("port is already allocated");
    expect(exitCode).toBe(125);
    await bocker.ok("rm", "-f", "holder");
    expect(await bocker.leftovers()).toEqual([]);
  });
});

/** A port nobody listens on at this moment. */
async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** A page of the container's server; tries for two seconds while it starts. */
async function get(hostname: string, port: number, lastTry = 100): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await fetch(`http://${hostname}:${port}/index.html`, {
        signal: AbortSignal.timeout(2000),
      });
      return await answer.text();
    } catch (error) {
      if (tries === lastTry) throw error;
      await Bun.sleep(100);
    }
  }
}
