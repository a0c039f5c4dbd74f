/**
 * Names between real containers: on user networks, over restarts, rests and changes of networks; and what is in
 * /etc/resolv.conf and /etc/hosts.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let prefix: string;
beforeAll(async () => {
  bocker = openWorkspace({ engineConfig: `pools = ["${freePool()}"]` });
  prefix = freePool().replace(/\.0\/2\d$/, "");
  await bocker.ok("network", "create", "--subnet", `${prefix}.0/28`, "front");
  await bocker.ok("network", "create", "--subnet", `${prefix}.16/28`, "back");
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "web",
    "--network",
    "front",
    "--network-alias",
    "www",
    ...nobody,
    ...sleeper,
  );
});
afterAll(async () => {
  const ids = (await bocker.ok("ps", "-aq")).split("\n");
  await bocker.run("rm", "-f", ...ids);
  await bocker.run("network", "rm", "front", "back");
  await bocker[Symbol.asyncDispose]();
});

/** Where nobody is at home: what is not known here fails at once, whatever network the test runs in. */
const nobody = ["--dns", "127.0.0.1"] as const;
const sleeper = ["busybox", "sleep", "600"] as const;

/** Another one in each test process, beside the workspace's own. */
function freePool(): string {
  return `10.${60 + (process.pid % 30)}.${(process.pid >> 5) % 250}.0/24`;
}

/** The addresses that a container gets for a name; empty when there are none. */
async function lookUp(container: string, name: string, type = "a"): Promise<string[]> {
  const { stdout } = await bocker.run("exec", container, "nslookup", `-type=${type}`, name, "127.0.0.11");
  return [...stdout.matchAll(/^Name:.*\nAddress: (\S+)/gm)].map(([, address = ""]) => address);
}

async function addressOf(container: string, network: string): Promise<string> {
  return bocker.ok("inspect", "-f", `{{.NetworkSettings.Networks.${network}.IPAddress}}`, container);
}

const fileOf = (container: string, path: string) => bocker.ok("exec", container, "cat", path);

describe("on a user network", () => {
  test("containers know each other and themselves by name, alias and short id", async () => {
    const id = await bocker.ok("run", "-d", "--name", "db", "--network", "front", "-h", "box", ...sleeper);
    const [web, db] = [await addressOf("web", "front"), await addressOf("db", "front")];
    for (const name of ["web", "www", "WEB", "web.front"]) expect(await lookUp("db", name)).toEqual([web]);
    for (const name of ["db", id.slice(0, 12), "box"]) expect(await lookUp("web", name)).toEqual([db]);
    expect(await lookUp("db", "db")).toEqual([db]);
    expect(await bocker.ok("exec", "db", "ping", "-c1", "-w5", "www")).toContain(`(${web})`);
    await bocker.ok("rm", "-f", "db");
    expect(await lookUp("web", "db")).toEqual([]);
  });

  test("the command's first look is answered already", async () => {
    const script = "nslookup -type=a web 127.0.0.11 | tail -n +3; cat /etc/resolv.conf";
    const output = await bocker.ok("run", "--rm", "--network", "front", "busybox", "sh", "-c", script);
    expect(output).toContain(`Address: ${await addressOf("web", "front")}`);
    expect(output).toMatch(/^nameserver 127\.0\.0\.11$/m);
    expect(output).toMatch(/^options .*ndots:0$/m);
  });

  test("an address has the container's name, the host the gateway's address", async () => {
    const address = await addressOf("web", "front");
    const { stdout } = await bocker.run("exec", "web", "nslookup", address, "127.0.0.11");
    expect(stdout).toContain("name = web.front");
    expect(await lookUp("web", "host.docker.internal")).toEqual([`${prefix}.1`]);
  });

  test("several of one alias take turns", async () => {
    for (const name of ["one", "two"])
      await bocker.ok(
        "run",
        "-d",
        "--name",
        name,
        "--network",
        "front",
        "--network-alias",
        "pair",
        ...sleeper,
      );
    const both = [await addressOf("one", "front"), await addressOf("two", "front")];
    const answers = [await lookUp("web", "pair"), await lookUp("web", "pair")];
    expect(answers.map(([first]) => first ?? "").toSorted()).toEqual(both.toSorted());
    for (const answer of answers) expect(answer.toSorted()).toEqual(both.toSorted());
    await bocker.ok("rm", "-f", "one", "two");
  });

  test("a container in another's network has its names", async () => {
    const words = ["run", "--rm", "--network", "container:web", "busybox", "nslookup", "-type=a", "www"];
    expect(await bocker.ok(...words)).toContain(`Address: ${await addressOf("web", "front")}`);
  });
});

describe("a resolver", () => {
  test("is there again after a restart, by hand or by policy", async () => {
    const flags = ["--name", "again", "--network", "front", "--restart", "always"];
    await bocker.ok("run", "-d", ...flags, ...sleeper);
    await bocker.ok("restart", "-t", "0", "again");
    expect(await lookUp("again", "web")).toEqual([await addressOf("web", "front")]);
    const before = await bocker.inspect("again");
    process.kill(before.State.Pid, "SIGKILL");
    await until(async () => {
      const { State } = await bocker.inspect("again");
      return State.Status === "running" && State.Pid !== before.State.Pid;
    });
    expect(await lookUp("again", "web")).toEqual([await addressOf("web", "front")]);
    await bocker.ok("rm", "-f", "again");
  });

  test("answers after its monitor has rested, and what is asked meanwhile", async () => {
    const id = await bocker.ok("run", "-d", "--name", "quiet", "--network", "front", ...sleeper);
    const web = await addressOf("web", "front");
    const monitor = monitorOf(id);
    while (!hasRested(monitor)) expect(await lookUp("web", "quiet")).toHaveLength(1);
    expect(await lookUp("quiet", "web")).toEqual([web]);
    await bocker.ok("rm", "-f", "quiet");
  }, 60_000);

  test("loses nothing while its monitor rests", async () => {
    // Asked once every few milliseconds: a query that got lost would take nslookup five seconds.
    const script = `s=$(date +%s); for i in $(seq 300); do
      nslookup -type=a web 127.0.0.11 >/dev/null || echo lost; usleep 5000; done; echo $(($(date +%s) - s))`;
    const name = "steady";
    const words = [
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "front",
      "busybox",
      "sh",
      "-c",
      `${script}; sleep 600`,
    ];
    const id = await bocker.ok(...words);
    await until(async () => (await bocker.ok("logs", name)) !== "");
    expect(Number(await bocker.ok("logs", name))).toBeLessThan(5 * 3);
    expect(monitorOf(id)).toBeGreaterThan(0);
    await bocker.ok("rm", "-f", name);
  }, 60_000);
});

describe("networks that come and go", () => {
  test("bring names, files that lead there, and take them away again", async () => {
    await bocker.ok("run", "-d", "--name", "plain", ...nobody, ...sleeper);
    const own = await addressOf("plain", "bridge");
    expect(await fileOf("plain", "/etc/resolv.conf")).not.toContain("127.0.0.11");
    await bocker.ok("exec", "plain", "sh", "-c", "echo '1.2.3.4 mine' >> /etc/hosts");

    await bocker.ok("network", "connect", "--alias", "late", "front", "plain");
    expect(await lookUp("plain", "web")).toEqual([await addressOf("web", "front")]);
    expect(await lookUp("web", "late")).toEqual([await addressOf("plain", "front")]);
    expect(await fileOf("plain", "/etc/resolv.conf")).toMatch(/^nameserver 127\.0\.0\.11$/m);
    const hostname = await bocker.ok("exec", "plain", "hostname");
    expect((await fileOf("plain", "/etc/hosts")).split("\n").slice(-3)).toEqual([
      `${own}\t${hostname}`,
      "1.2.3.4 mine",
      `${await addressOf("plain", "front")}\t${hostname}`,
    ]);

    await bocker.ok("network", "connect", "back", "plain");
    await bocker.ok("network", "disconnect", "front", "plain");
    expect(await lookUp("plain", "web")).toEqual([]);
    expect(await lookUp("web", "late")).toEqual([]);
    expect((await fileOf("plain", "/etc/hosts")).split("\n").slice(-3)).toEqual([
      `${own}\t${hostname}`,
      "1.2.3.4 mine",
      `${await addressOf("plain", "back")}\t${hostname}`,
    ]);
    await bocker.ok("rm", "-f", "plain");
  });

  test("leave a resolv.conf alone that the container has changed, and follow no link it has made", async () => {
    await bocker.ok("run", "-d", "--name", "own", "--cap-add", "SYS_ADMIN", ...sleeper);
    const link = "umount /etc/hosts; echo mine > /victim; ln -sf /victim /etc/hosts";
    await bocker.ok("exec", "own", "sh", "-c", `echo 'nameserver 192.0.2.1' > /etc/resolv.conf; ${link}`);
    await bocker.ok("network", "connect", "front", "own");
    expect(await fileOf("own", "/etc/resolv.conf")).toBe("nameserver 192.0.2.1");
    expect(await fileOf("own", "/victim")).toBe("mine");
    await bocker.ok("rm", "-f", "own");
  });

  test("a renamed container has its new name at once", async () => {
    await bocker.ok("run", "-d", "--name", "old", "--network", "front", ...sleeper);
    await bocker.ok("rename", "old", "new");
    expect(await lookUp("web", "new")).toEqual([await addressOf("new", "front")]);
    expect(await lookUp("web", "old")).toEqual([]);
    await bocker.ok("rm", "-f", "new");
  });
});

describe("resolv.conf", () => {
  const resolv = (...flags: string[]) =>
    bocker.ok("run", "--rm", ...flags, "busybox", "grep", "-v", "^#", "/etc/resolv.conf");

  test("has the user's servers on the default bridge, and the resolver in front of them on others", async () => {
    const flags = [
      "--dns",
      "192.0.2.1",
      "--dns",
      "2001:db8::1",
      "--dns-search",
      "example.org",
      "--dns-option",
      "rotate",
    ];
    expect(await resolv(...flags)).toBe(
      "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch example.org\noptions rotate",
    );
    expect(await resolv("--network", "front", ...flags)).toBe(
      "nameserver 127.0.0.11\nsearch example.org\noptions rotate ndots:0",
    );
    expect(await resolv("--network", "front", "--dns-search", ".", "--dns-option", "ndots:2")).toBe(
      "nameserver 127.0.0.11\noptions ndots:2",
    );
  });

  test("can be a file of the user's", async () => {
    const path = `${bocker.directory}/resolv`;
    await Bun.write(path, "nameserver 192.0.2.7\n");
    expect(await resolv("--network", "front", "--resolv", path)).toBe("nameserver 192.0.2.7");
  });
});

describe("hosts", () => {
  const hosts = async (...flags: string[]) =>
    (await bocker.ok("run", "--rm", ...flags, "busybox", "cat", "/etc/hosts")).split("\n");

  test("has added names, the host's own among them", async () => {
    const added = [
      "--add-host",
      "db:192.0.2.1",
      "--add-host",
      "v6=[2001:db8::1]",
      "--add-host",
      "me:host-gateway",
    ];
    const lines = await hosts("--network", "front", "-h", "box", ...added);
    expect(lines.slice(6, 9)).toEqual(["192.0.2.1\tdb", "2001:db8::1\tv6", `${prefix}.1\tme`]);
    expect(lines[9]).toMatch(new RegExp(`^${prefix.replaceAll(".", "\\.")}\\.\\d+\tbox$`));
    expect(lines).toHaveLength(10);
  });

  test("names the host on the default bridge, where no resolver does, unless the user has", async () => {
    expect(await hosts()).toContain(`${bocker.subnetPrefix}.1\thost.docker.internal host.bocker.internal`);
    const lines = await hosts("--add-host", "host.docker.internal:192.0.2.1");
    expect(lines).toContain("192.0.2.1\thost.docker.internal");
    expect(lines).toContain(`${bocker.subnetPrefix}.1\thost.bocker.internal`);
  });

  test("has a line for each network", async () => {
    const lines = await hosts("--network", "front", "--network", "back", "-h", "box");
    expect(lines.filter((line) => line.endsWith("\tbox"))).toHaveLength(2);
  });

  test("is the image's with --no-hosts", async () => {
    const { stdout } = await bocker.run("run", "--rm", "--no-hosts", "busybox", "cat", "/etc/hosts");
    expect(stdout).not.toContain("ip6-allnodes");
    const { exitCode, stderr } = await bocker.run(
      "run",
      "--rm",
      "--no-hosts",
      "--add-host",
      "a:1.2.3.4",
      "busybox",
      "true",
    );
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 125,
      stderr: expect.stringContaining("--no-hosts and --add-host cannot be set together"),
    });
  });
});

/** Waits for what another process does; the test's own time limit ends it. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(20);
}

function monitorOf(id: string): number {
  const { stdout } = Bun.spawnSync(["pgrep", "-f", `monitor ${id.slice(0, 12)}`]);
  return Number(stdout.toString().trim().split("\n")[0]);
}

/** A monitor that has executed itself anew was told where its state is. */
function hasRested(pid: number): boolean {
  return readFileSync(`/proc/${pid}/environ`, "utf8").includes("BOCKER_MONITOR_STATE=");
}
