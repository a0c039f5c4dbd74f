/**
 * Containers in networks that users made: several at once, coming and going while they run, fixed addresses, IPv6,
 * macvlan; and two hundred of them at once.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let prefix: string;
beforeAll(async () => {
  prefix = `10.${222 + (process.pid % 32)}`;
  bocker = openWorkspace({ engineConfig: `pools = ["${prefix}.64.0/20"]` });
  await bocker.ok("network", "create", "-s", `${prefix}.1.0/24`, "alpha");
  await bocker.ok(
    "network",
    "create",
    "-s",
    `${prefix}.2.0/24`,
    "-s",
    `fd00:${prefix.slice(3)}::/64`,
    "beta",
  );
  await bocker.ok("network", "create", "auto");
});
afterAll(() => bocker[Symbol.asyncDispose]());

const sleeper = (name: string, ...words: string[]) =>
  bocker.ok("run", "-d", "--name", name, ...words, "busybox", "sleep", "100");
const inside = (name: string, script: string) => bocker.ok("exec", name, "sh", "-c", script);
const endpointsOf = async (name: string) => (await bocker.inspect(name)).NetworkSettings.Networks;

async function refused(code: number, ...words: string[]): Promise<string> {
  const { exitCode, stderr } = await bocker.run(...words);
  expect(exitCode).toBe(code);
  return stderr;
}

describe("run", () => {
  test("in several networks has an interface in each, and the default route in the first by name", async () => {
    await sleeper("two", "--network", "name=beta,alias=db", "--network", "alpha");
    expect(await inside("two", "ip -4 -o addr; ip route")).toMatch(
      new RegExp(
        `eth0 +inet ${prefix}.2.2/24[^]*eth1 +inet ${prefix}.1.2/24[^]*default via ${prefix}.1.1 dev eth1`,
      ),
    );
    const { alpha, beta } = await endpointsOf("two");
    const id = (await bocker.inspect("two")).Id;
    expect(beta).toMatchObject({
      Aliases: ["db"],
      DNSNames: ["two", "db", id.slice(0, 12)],
      Gateway: `${prefix}.2.1`,
      IPAddress: `${prefix}.2.2`,
      IPPrefixLen: 24,
      GlobalIPv6PrefixLen: 64,
    });
    expect(beta.GlobalIPv6Address).toEndWith("::2");
    expect(beta.IPv6Gateway).toEndWith("::1");
    expect(alpha.EndpointID).toMatch(/^[0-9a-f]{64}$/);
    expect(alpha.EndpointID).not.toBe(beta.EndpointID);
    const members = JSON.parse(await bocker.ok("network", "inspect", "beta"))[0].Containers;
    expect(members[id]).toMatchObject({
      Name: "two",
      EndpointID: beta.EndpointID,
      IPv4Address: `${prefix}.2.2/24`,
      IPv6Address: `${beta.GlobalIPv6Address}/64`,
    });
    await bocker.ok("rm", "-f", "two");
  });

  test("gw-priority decides over the default route", async () => {
    const route = await bocker.ok(
      ...["run", "--rm", "--network", "alpha", "--network", "name=beta,gw-priority=1", "busybox"],
      ...["sh", "-c", "ip route; ip -6 route"],
    );
    expect(route).toContain(`default via ${prefix}.2.1 dev eth1`);
    expect(route).toMatch(/default via fd\S+::1 dev eth1/);
  });

  test("fixed addresses and a MAC, which stay over a restart, and the free ones do not", async () => {
    const mac = "02:00:00:00:00:07";
    await sleeper("fixed", "--network", "alpha", "--ip", `${prefix}.1.77`, "--mac-address", mac);
    expect(await endpointsOf("fixed")).toMatchObject({
      alpha: { IPAddress: `${prefix}.1.77`, MacAddress: mac, IPAMConfig: { IPv4Address: `${prefix}.1.77` } },
    });
    expect(await refused(125, "run", "--network", "alpha", "--ip", `${prefix}.1.77`, "busybox")).toContain(
      "Address already in use",
    );
    await sleeper("low", "--network", "alpha");
    await sleeper("next", "--network", "alpha");
    expect((await endpointsOf("next")).alpha.IPAddress).toBe(`${prefix}.1.3`);
    await bocker.ok("rm", "-f", "low");
    await bocker.ok("restart", "-t", "0", "fixed", "next");
    expect((await endpointsOf("fixed")).alpha.IPAddress).toBe(`${prefix}.1.77`);
    expect((await endpointsOf("next")).alpha.IPAddress).toBe(`${prefix}.1.2`);
    expect(await inside("fixed", "ip link show eth0")).toContain(mac);
    await bocker.ok("rm", "-f", "fixed", "next");
  });

  test("a stopped container keeps its networks without addresses", async () => {
    await bocker.ok("create", "--name", "idle", "--network", "alpha", "--network-alias", "x", "busybox");
    expect(await endpointsOf("idle")).toMatchObject({
      alpha: { Aliases: ["x"], IPAddress: "", EndpointID: "", GlobalIPv6PrefixLen: 0 },
    });
    await bocker.ok("rm", "idle");
  });

  test.each<[string[], string]>([
    [["--ip", "10.99.0.9", "--network", "alpha"], "no configured subnet contains IP address 10.99.0.9"],
    [["--ip", "1.2.3.4"], "user specified IP address is supported on user defined networks only"],
    [
      ["--ip", "1.2.3.4", "--network", "auto"],
      "only when connecting to networks with user configured subnets",
    ],
    [["--ip6", "fd99::9", "--network", "alpha"], "no configured subnet contains IP address fd99::9"],
    [["--network-alias", "x"], "network-scoped aliases are only supported for user-defined networks"],
    [["--network", "missing"], "network missing not found"],
    [["--network", "alpha", "--network", "alpha"], 'network "alpha" is specified multiple times'],
    [["--network", "alpha", "--network", "host"], "cannot attach both user-defined and non-user-defined"],
    [["--network", "name=alpha,ip=10.1.1.1", "--ip", "10.1.1.2"], "cannot specify both --ip and per-network"],
    [["--ip", "nonsense"], "invalid IPv4 address: nonsense"],
    [["--mac-address", "nonsense"], "nonsense is not a valid mac address"],
    [["--network", "name=alpha,gw-priority=high"], "invalid gw-priority (high): invalid syntax"],
    [["--network", "name=alpha,driver-opt=a=b"], "unknown driver option a"],
    [["--link-local-ip", "169.254.1.1"], "addresses beside the network's own are not supported"],
    [["--ip", "1.2.3.4", "--network", "host"], "supported on user defined networks only"],
    [["--ip6", "fd99::9", "--network", "none"], "supported on user defined networks only"],
    [["--network", "container:missing", "--network-alias", "x"], "network-scoped aliases are only supported"],
    [["--link", ""], "empty string specified for links"],
    [["--link", "a:b:c"], "bad format for links: a:b:c"],
    [["--link", "missing:x"], "could not get container for missing: No such container: missing"],
    [["--network", "host", "--link", "a"], "host type networking can't be used with links"],
    [["--network", "name=alpha,link=a", "--link", "b"], "cannot specify both --link and per-network links"],
  ])("%p is refused", async (words, message) => {
    expect(await refused(125, "run", "--rm", ...words, "busybox", "true")).toContain(message);
  });
});

describe("a running container", () => {
  test("comes into a network and goes, its default route with it", async () => {
    await sleeper("peer", "--network", "beta");
    await sleeper("mover", "--network", "alpha");
    await bocker.ok("network", "connect", "--alias", "friend", "beta", "mover");
    const { beta } = await endpointsOf("mover");
    expect(beta).toMatchObject({ IPAddress: `${prefix}.2.3`, Aliases: ["friend"] });
    expect(await inside("mover", "ip -4 -o addr show eth1; ip route")).toMatch(
      new RegExp(`inet ${prefix}.2.3/24[^]*default via ${prefix}.1.1 dev eth0`),
    );
    const peer6 = (await endpointsOf("peer")).beta.GlobalIPv6Address;
    await inside("mover", `ping -c1 -W2 ${prefix}.2.2 && ping -c1 -W2 ${peer6}`);
    await bocker.ok("network", "disconnect", "alpha", "mover");
    expect(await inside("mover", "ip route; ip -o link")).toMatch(
      new RegExp(`default via ${prefix}.2.1 dev eth1`),
    );
    expect(await inside("mover", "ip -o link")).not.toContain("eth0");
    expect(Object.keys(await endpointsOf("mover"))).toEqual(["beta"]);
    await bocker.ok("restart", "-t", "0", "mover");
    expect(await inside("mover", "ip -4 -o addr")).toContain(`eth0    inet ${prefix}.2.3/24`);
    await bocker.ok("network", "disconnect", "beta", "mover");
    expect(await inside("mover", "ip -o link")).not.toContain("eth");
    await bocker.ok("network", "connect", "--ip", `${prefix}.1.9`, "alpha", "mover");
    expect(await inside("mover", "ip -4 -o addr")).toContain(`inet ${prefix}.1.9/24`);
    await bocker.ok("rm", "-f", "peer", "mover");
  });

  test("the default bridge is a network like others here", async () => {
    await sleeper("plain");
    await bocker.ok("network", "connect", "alpha", "plain");
    await bocker.ok("network", "disconnect", "bridge", "plain");
    expect(Object.keys(await endpointsOf("plain"))).toEqual(["alpha"]);
    await bocker.ok("network", "connect", "bridge", "plain");
    const route = await inside("plain", "ip route");
    expect(route).toContain(`default via ${prefix}.1.1 dev eth1`);
    expect(route).toContain(`${bocker.subnetPrefix}.0/24 dev eth0`);
    await bocker.ok("rm", "-f", "plain");
  });

  test("what cannot be is refused", async () => {
    await sleeper("one", "--network", "alpha");
    await sleeper("hosted", "--network", "host");
    const connect = (...words: string[]) => refused(1, "network", "connect", ...words);
    expect(await connect("alpha", "one")).toContain("endpoint with name one already exists in network alpha");
    expect(await connect("missing", "one")).toContain("network missing not found");
    expect(await connect("alpha", "missing")).toContain("No such container: missing");
    expect(await connect("beta", "hosted")).toContain("cannot be connected to any other network");
    expect(await connect("host", "one")).toContain("cannot connect container to host network");
    expect(await refused(1, "network", "disconnect", "-f", "host", "hosted")).toContain(
      "cannot disconnect container from host network",
    );
    expect(await bocker.ok("inspect", "-f", "{{.HostConfig.NetworkMode}}", "hosted")).toBe("host");
    expect(await connect("none", "one")).toContain("in private (none) mode");
    expect(await connect("--ip", `${prefix}.9.9`, "beta", "one")).toContain("no configured subnet contains");
    expect(await connect("--ip", `${prefix}.2.1`, "beta", "one")).toContain("Address already in use");
    expect(await refused(125, "network", "connect", "--link", "a b", "beta", "one")).toContain("bad format");
    expect(await refused(1, "network", "disconnect", "beta", "one")).toContain(
      "is not connected to network beta",
    );
    await bocker.ok("network", "disconnect", "-f", "beta", "one");
    expect(Object.keys(await endpointsOf("one"))).toEqual(["alpha"]);
    await bocker.ok("rm", "-f", "one", "hosted");
  });

  test("of no network can be taken out of it, and into another", async () => {
    await sleeper("loner", "--network", "none");
    expect(await refused(1, "network", "connect", "alpha", "loner")).toContain("in private (none) mode");
    await bocker.ok("network", "disconnect", "none", "loner");
    expect(await endpointsOf("loner")).toEqual({});
    await bocker.ok("network", "connect", "alpha", "loner");
    expect(await inside("loner", "ip route")).toContain(`default via ${prefix}.1.1 dev eth0`);
    expect(await inside("loner", "nslookup loner")).toContain(`${prefix}.1.2`);
    await bocker.ok("restart", "-t", "0", "loner");
    expect(Object.keys(await endpointsOf("loner"))).toEqual(["alpha"]);
    expect(await inside("loner", "ip route")).toContain(`default via ${prefix}.1.1 dev eth0`);
    await bocker.ok("rm", "-f", "loner");
  });

  test("a half-done connection is completed by the same command", async () => {
    const id = await sleeper("half", "--network", "alpha");
    await bocker.ok("network", "connect", "beta", "half");
    const { Pid } = (await bocker.inspect(id)).State;
    Bun.spawnSync(["nsenter", "-t", String(Pid), "-n", "ip", "link", "del", "eth1"]);
    await bocker.ok("network", "connect", "beta", "half");
    expect(await inside("half", "ip -4 -o addr show eth1")).toContain(`inet ${prefix}.2.2/24`);
    Bun.spawnSync(["nsenter", "-t", String(Pid), "-n", "ip", "link", "del", "eth1"]);
    await bocker.ok("network", "disconnect", "beta", "half");
    await bocker.ok("rm", "-f", "half");
  });
});

test("a stopped container is connected for its next start, and one whose network has gone says so", async () => {
  await bocker.ok("network", "create", "brief");
  await bocker.ok("create", "--name", "later", "busybox", "sleep", "100");
  await bocker.ok("network", "connect", "brief", "later");
  await bocker.ok("network", "disconnect", "bridge", "later");
  await bocker.ok("network", "rm", "brief");
  expect(await refused(1, "start", "later")).toContain("network brief not found");
  await bocker.ok("network", "disconnect", "brief", "later");
  expect(await refused(1, "network", "disconnect", "brief", "later")).toContain("network brief not found");
  await bocker.ok("network", "connect", "alpha", "later");
  await bocker.ok("start", "later");
  expect(Object.keys(await endpointsOf("later"))).toEqual(["alpha"]);
  await bocker.ok("rm", "-f", "later");
});

/** A link whose other end is up. */
function addParent(name: string): Disposable {
  const pair = ["ip", "link", "add", name, "up", "type", "veth", "peer", "name", `${name}q`];
  if (!Bun.spawnSync(pair).success) throw new Error("cannot make a veth pair");
  Bun.spawnSync(["ip", "link", "set", `${name}q`, "up"]);
  return { [Symbol.dispose]: () => void Bun.spawnSync(["ip", "link", "del", name]) };
}

/** Whether this kernel has such links. */
function hasLinkType(...words: string[]): boolean {
  using _parent = addParent("bktprobe");
  return Bun.spawnSync(["ip", "link", "add", "link", "bktprobe", "name", "bktprobe2", ...words]).success;
}

describe("macvlan", () => {
  test.each([
    ["direct", "macvlan", "", ["type", "macvlan"]],
    ["shared", "ipvlan", "", ["type", "ipvlan"]],
    ["tagged", "macvlan", ".7", ["type", "vlan", "id", "7"]],
  ])(
    "%s: %s has the parent's link to itself; a VLAN goes with the network",
    async (name, driver, vlan, type) => {
      if (!hasLinkType(...type)) return;
      const parent = `${bocker.bridge.slice(0, 8)}p`;
      using _parent = addParent(parent);
      const link = `${parent}${vlan}`;
      await bocker.ok(
        "network",
        "create",
        "-d",
        driver,
        "-o",
        `parent=${link}`,
        "-s",
        `${prefix}.30.0/24`,
        name,
      );
      const shown = await bocker.ok("run", "--rm", "--network", name, "busybox", "ip", "-4", "-o", "addr");
      expect(shown).toContain(`eth0    inet ${prefix}.30.2/24`);
      await bocker.ok("network", "rm", name);
      expect(Bun.spawnSync(["ip", "link", "show", link]).exitCode).toBe(vlan === "" ? 0 : 1);
    },
  );

  test("without a parent joins its containers and nothing else", async () => {
    await bocker.ok("network", "create", "-d", "macvlan", "-s", `${prefix}.32.0/24`, "island");
    await sleeper("isle", "--network", "island");
    await bocker.ok("network", "disconnect", "island", "isle");
    await bocker.ok("network", "connect", "island", "isle");
    const ping = ["run", "--rm", "--network", "island", "busybox", "ping", "-c1", "-W2", `${prefix}.32.2`];
    expect(await bocker.ok(...ping)).toContain("1 packets received");
    await bocker.ok("rm", "-f", "isle");
    await bocker.ok("network", "rm", "island");
  });
});

test("events tell of networks and of who comes and goes, with docker's attributes", async () => {
  const since = String(Date.now() / 1000);
  const network = await bocker.ok("network", "create", "told");
  const id = await sleeper("guest", "--network", "told");
  await bocker.ok("network", "disconnect", "told", "guest");
  await bocker.ok("network", "connect", "told", "guest");
  await bocker.ok("rm", "-f", "guest");
  await bocker.ok("network", "rm", "told");
  const until = String(Date.now() / 1000);
  const words = ["--since", since, "--until", until, "-f", "type=network", "-f", "network=told"];
  const format = "{{.Action}} {{.Actor.ID}} {{json .Actor.Attributes}}";
  const plain = JSON.stringify({ name: "told", type: "bridge" });
  const guest = JSON.stringify({ container: id, name: "told", type: "bridge" });
  expect((await bocker.ok("events", ...words, "--format", format)).split("\n")).toEqual([
    `create ${network} ${plain}`,
    `connect ${network} ${guest}`,
    `disconnect ${network} ${guest}`,
    `connect ${network} ${guest}`,
    `disconnect ${network} ${guest}`,
    `destroy ${network} ${plain}`,
  ]);
});

test("twenty-four runs at once get twenty-four addresses", async () => {
  const names = Array.from({ length: 24 }, (_, index) => `crowd${index}`);
  await Promise.all(names.map((name) => sleeper(name, "--network", "alpha")));
  const all = JSON.parse(await bocker.ok("inspect", ...names));
  const addresses = all.map(
    (each: { NetworkSettings: { Networks: { alpha: { IPAddress: string } } } }) =>
      each.NetworkSettings.Networks.alpha.IPAddress,
  );
  expect(new Set(addresses).size).toBe(24);
  await bocker.ok("rm", "-f", ...names);
  expect(JSON.parse(await bocker.ok("network", "inspect", "alpha"))[0].Containers).toEqual({});
});
