/**
 * Networks that users make: create, ls, inspect, rm, prune, and what each refuses. Containers in them are in
 * cli-network-connect.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let prefix: string;
beforeAll(() => {
  prefix = `10.${20 + (process.pid % 40)}`;
  bocker = openWorkspace({ engineConfig: `pools = ["${prefix}.64.0/20"]` });
});
afterAll(() => bocker[Symbol.asyncDispose]());

async function refused(...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await bocker.run("network", ...words);
  expect([exitCode, stdout.replace("[]\n", "")]).toEqual([1, ""]);
  return stderr;
}

// biome-ignore lint/suspicious/noExplicitAny: docker's JSON, whose paths each test asserts.
async function inspectNetwork(name: string): Promise<any> {
  return JSON.parse(await bocker.ok("network", "inspect", name))[0];
}

const linkExists = (name: string) => Bun.spawnSync(["ip", "link", "show", "dev", name]).exitCode === 0;

test("create makes a bridge with the gateway's address, rm takes it away", async () => {
  const id = await bocker.ok("network", "create", "--label", "team=web", "plain");
  const bridge = `br-${id.slice(0, 12)}`;
  expect(id).toMatch(/^[0-9a-f]{64}$/);
  const network = await inspectNetwork("plain");
  const { Subnet, Gateway } = network.IPAM.Config[0];
  expect(Subnet).toStartWith(`${prefix}.`);
  expect(network).toMatchObject({
    Name: "plain",
    Id: id,
    Driver: "bridge",
    Scope: "local",
    EnableIPv4: true,
    EnableIPv6: false,
    Internal: false,
    Containers: {},
    Options: {},
    Labels: { team: "web" },
    IPAM: { Driver: "default", Options: {}, Config: [{ Subnet, Gateway }] },
  });
  expect(Bun.spawnSync(["ip", "-4", "-o", "addr", "show", "dev", bridge]).stdout.toString()).toContain(
    `inet ${Gateway}/24`,
  );
  expect(await bocker.ok("network", "rm", id.slice(0, 12))).toBe(id.slice(0, 12));
  expect(linkExists(bridge)).toBe(false);
  expect(await refused("inspect", "plain")).toContain("network plain not found");
});

test("every word about addresses is kept", async () => {
  const [subnet, bridge] = [`${prefix}.1.0/24`, `${bocker.bridge.slice(0, 9)}x`];
  const words = ["--subnet", subnet, "--gateway", `${prefix}.1.254`, "--ip-range", `${prefix}.1.64/26`];
  const more = ["--aux-address", `router=${prefix}.1.65`, "--ipv6", "--internal", "--attachable"];
  const options = ["-o", "mtu=1400", "-o", `com.docker.network.bridge.name=${bridge}`];
  await bocker.ok("network", "create", "-d", "bridge", ...words, ...more, ...options, "full");
  const network = await inspectNetwork("full");
  expect(network.IPAM.Config[0]).toEqual({
    Subnet: subnet,
    IPRange: `${prefix}.1.64/26`,
    Gateway: `${prefix}.1.254`,
    AuxiliaryAddresses: { router: `${prefix}.1.65` },
  });
  expect(network.IPAM.Config[1].Subnet).toMatch(/^fd[0-9a-f:]+::\/64$/);
  expect(network).toMatchObject({
    EnableIPv6: true,
    Internal: true,
    Attachable: true,
    Options: { "com.docker.network.driver.mtu": "1400", "com.docker.network.bridge.name": bridge },
  });
  const shown = Bun.spawnSync(["ip", "-o", "addr", "show", "dev", bridge]).stdout.toString();
  expect(shown).toContain(`inet ${prefix}.1.254/24`);
  expect(shown).toContain(`inet6 ${network.IPAM.Config[1].Gateway}/64`);
  // .64 is the first of the range, .65 the router's.
  const address = await bocker.ok(
    "run",
    "--rm",
    "--network",
    "full",
    "busybox",
    "sh",
    "-c",
    "ip -4 -o addr; ip route",
  );
  expect(address).toContain(`inet ${prefix}.1.64/24`);
  expect(address).not.toContain("default");
  await bocker.ok("network", "rm", "full");
  expect(linkExists(bridge)).toBe(false);
});

test("the other systems' spellings", async () => {
  await bocker.ok("network", "create", "-s", `${prefix}.2.0/24`, "one");
  await bocker.ok("network", "create", "two", `${prefix}.3.0/24`);
  await bocker.ok("network", "create", "--driver", "bridge", "--subnet", `${prefix}.4.0/24`, "three");
  expect((await inspectNetwork("two")).IPAM.Config[0].Gateway).toBe(`${prefix}.3.1`);
  const listed = await bocker.ok("networks");
  expect(listed).toMatch(/^NETWORK ID\s+NAME\s+DRIVER\s+SCOPE$/m);
  for (const name of ["one", "two", "three"])
    expect(listed).toMatch(new RegExp(`\\s${name}\\s+bridge\\s+local`));
  expect(await bocker.ok("rmn", "one", "two")).toBe("one\ntwo");
  expect(await bocker.ok("network", "remove", "three")).toBe("three");
});

test("ls filters and formats", async () => {
  await bocker.ok("network", "create", "--ipv6", "--label", "a=b", "six");
  const ls = (...words: string[]) => bocker.ok("network", "ls", ...words);
  expect(await ls("--filter", "type=custom", "--format", "{{.Name}} {{.IPv6}} {{.Labels}}")).toBe(
    "six true a=b",
  );
  expect(await ls("-f", "label=a=b", "-q", "--no-trunc")).toBe((await inspectNetwork("six")).Id);
  expect(await ls("-f", "label=a=c", "-q")).toBe("");
  expect(await ls("-f", "dangling=1", "--format", "{{.Name}}")).toBe("six");
  expect(await ls("-f", "dangling=false", "--format", "{{.Name}}")).toBe("bridge\nhost\nnone");
  expect(await ls("-f", "name=six", "--format", "{{.CreatedAt}}")).toMatch(
    /^[0-9-]{10} [0-9:]{8} \+0000 UTC$/,
  );
  await bocker.ok("network", "rm", "six");
});

describe("refused:", () => {
  test("what is malformed or belongs to somebody", async () => {
    await bocker.ok("network", "create", "-s", `${prefix}.8.0/22`, "wide");
    const overlap = "invalid pool request: Pool overlaps with other one on this address space";
    expect(await refused("create", "--subnet", `${prefix}.9.0/24`, "x")).toContain(overlap);
    expect(await refused("create", "--subnet", "127.0.0.0/16", "x")).toContain(overlap);
    expect(await refused("create", "--subnet", `${bocker.subnetPrefix}.128/25`, "x")).toContain(overlap);
    expect(await refused("create", "wide")).toContain("network with name wide already exists");
    expect(await refused("create", "--subnet", "10.0.0.0", "x")).toContain("invalid CIDR address: 10.0.0.0");
    expect(await refused("create", "--subnet", `${prefix}.20.9/24`, "x")).toContain(
      `invalid network config:\ninvalid subnet ${prefix}.20.9/24: it should be ${prefix}.20.0/24`,
    );
    for (const tiny of ["31", "32"])
      expect(await refused("create", "x", `${prefix}.20.0/${tiny}`)).toContain("too small");
    expect(await refused("create", "host")).toContain(
      "operation is not permitted on predefined host network",
    );
    expect(await refused("create", "-d", "weave", "x")).toContain('plugin "weave" not found');
    expect(await refused("create", "-o", "color=red", "x")).toContain('unknown option "color"');
    expect(await refused("create", "--ipam-driver", "dhcp", "x")).toContain('invalid IPAM driver "dhcp"');
    expect(await refused("create", "-d", "macvlan", "-o", "parent=nothere", "x")).toContain(
      "invalid subinterface vlan name nothere, example formatting is eth0.10",
    );
    expect(await refused("create", "-d", "macvlan", "-o", "parent=nothere.9", "x")).toContain(
      "failed to find master interface nothere",
    );
    expect(await refused("create", "-d", "ipvlan", "-o", "parent=lo", "x")).toContain(
      "loopback interface is not a valid ipvlan parent link",
    );
    expect(await refused("rm", "bridge")).toContain("bridge is a pre-defined network and cannot be removed");
    expect(await bocker.ok("network", "rm", "-f", "missing")).toBe("");
    const { exitCode, stdout, stderr } = await bocker.run("network", "rm", "missing", "wide");
    expect([exitCode, stdout]).toEqual([1, "wide\n"]);
    expect(stderr).toContain("network missing not found");
    expect(await bocker.ok("network", "ls", "-q", "-f", "type=custom")).toBe("");
  });

  test("what a bridge that is not ours is called; and it stays", async () => {
    const name = `${bocker.bridge.slice(0, 9)}y`;
    Bun.spawnSync(["ip", "link", "add", name, "type", "bridge"]);
    try {
      await bocker.ok("network", "create", "-o", `bridge=${name}`, "theirs");
      await bocker.ok("network", "rm", "theirs");
      expect(linkExists(name)).toBe(true);
    } finally {
      Bun.spawnSync(["ip", "link", "del", name]);
    }
  });
});

describe("a subnet that the host has come to use", () => {
  /** An interface of the host with an address in that subnet, where the network's bridge was. */
  function occupy(network: { Id: string; IPAM: { Config: { Gateway: string }[] } }): Disposable {
    const name = `${bocker.bridge.slice(0, 9)}v`;
    const address = `${network.IPAM.Config[0]?.Gateway}/24`;
    for (const words of [
      `link del br-${network.Id.slice(0, 12)}`,
      `link add ${name} type bridge`,
      `addr add ${address} dev ${name}`,
      `link set ${name} up`,
    ]) {
      if (!Bun.spawnSync(["ip", ...words.split(" ")]).success) throw new Error(`ip ${words} failed`);
    }
    return { [Symbol.dispose]: () => void Bun.spawnSync(["ip", "link", "del", name]) };
  }

  test("is left to it when bocker chose it: the network gets another", async () => {
    await bocker.ok("network", "create", "nomad");
    const before = await inspectNetwork("nomad");
    using _ = occupy(before);
    await bocker.ok("run", "--rm", "--network", "nomad", "busybox", "true");
    const after = await inspectNetwork("nomad");
    expect(after.Id).toBe(before.Id);
    expect(after.IPAM.Config[0].Subnet).not.toBe(before.IPAM.Config[0].Subnet);
    await bocker.ok("network", "rm", "nomad");
  });

  test("is a clear error when the user did", async () => {
    await bocker.ok("network", "create", "-s", `${prefix}.13.0/24`, "settler");
    using _ = occupy(await inspectNetwork("settler"));
    const { exitCode, stderr } = await bocker.run("run", "--rm", "--network", "settler", "busybox", "true");
    expect(exitCode).toBe(125);
    expect(stderr).toContain(`${prefix}.13.0/24 overlaps ${prefix}.13.0/24, which the host uses`);
    await bocker.ok("network", "rm", "settler");
  });
});

test("prune takes what no container is in", async () => {
  for (const name of ["used", "idle", "kept"])
    await bocker.ok("network", "create", ...(name === "kept" ? ["--label", "keep"] : []), name);
  await bocker.ok("run", "-d", "--name", "user", "--network", "used", "busybox", "sleep", "100");
  expect(await bocker.ok("network", "prune", "-f", "--filter", "label!=keep")).toBe(
    "Deleted Networks:\nidle",
  );
  const { exitCode, stderr } = await bocker.run("network", "rm", "used");
  expect(exitCode).toBe(1);
  const id = (await bocker.inspect("user")).Id.slice(0, 12);
  expect(stderr).toContain(
    `error while removing network: network used has active endpoints (name:"user" id:"${id}")`,
  );
  await bocker.ok("rm", "-f", "user");
  expect(await bocker.ok("system", "prune", "-f")).toStartWith("Deleted Networks:\nkept\nused");
});

test("exists answers by its exit code; create --ignore is content with what there is", async () => {
  const id = await bocker.ok("network", "create", "--ipv4", "there");
  for (const name of ["there", id, id.slice(0, 12), "bridge", "host", "none"])
    expect((await bocker.run("network", "exists", name)).exitCode).toBe(0);
  expect(await bocker.run("network", "exists", "missing")).toMatchObject({
    exitCode: 1,
    stdout: "",
    stderr: "",
  });
  expect(await bocker.ok("network", "create", "--ignore", "there")).toBe(id);
  expect(await refused("create", "there")).toContain("network with name there already exists");
  const other = await bocker.ok("network", "create", "--ignore", "other");
  expect(other).not.toBe(id);
  await bocker.ok("network", "rm", "there", "other");
});

test.each([
  [["--ipv4=false"], "IPv4 or IPv6 must be enabled"],
  [["--ipv4=false", "--ipv6"], "networks without IPv4 are not supported"],
  [["--ingress"], "Ingress network can only be global scope network"],
  [["--config-only"], "networks that are a configuration for others (--config-only) are not supported"],
  [["--config-from", "x"], "networks that are a configuration for others (--config-only) are not supported"],
  [["--ipam-opt", "a=b"], 'invalid IPAM option "a=b"'],
])("create %p is refused", async (words, message) => {
  expect(await refused("create", ...words, "never")).toContain(message);
  expect((await bocker.run("network", "exists", "never")).exitCode).toBe(1);
});
