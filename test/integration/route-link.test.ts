/**
 * Links made over netlink, beside those that `ip` makes by the lines of the same step: in a network namespace of the test.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { LinkRefused, requestLinks } from "../../ffi/route-link.ts";
import { applySteps } from "../../src/host/apply-steps.ts";
import { runCommand } from "../../src/host/run-command.ts";
import type { HostStep } from "../../src/host/step.ts";
import type { Endpoint } from "../../src/network/default-route.ts";
import { planLinks } from "../../src/network/link.ts";
import { type NetworkLab, networkLab } from "../lib/network-lab.ts";
import { isRoot } from "../lib/oci-bundle.ts";
import { aLease, aNetwork } from "../unit/state/state-fixture.ts";

const container = "c".repeat(64);
const noTalk = { "com.docker.network.bridge.enable_icc": "false" };

function endpoint(index: number, network: Parameters<typeof aNetwork>[0] = {}): Endpoint {
  const record = aNetwork({ name: `n${index}`, bridge: `brl${index}`, mtu: 1400, ...network });
  const names = { containerInterface: `eth${index}`, hostInterface: `bkl${index}` };
  return { network: record, lease: aLease(record.id, container, `10.0.0.${index + 2}`, names) };
}

function step(endpoints: readonly Endpoint[], pid: number): HostStep & { readonly kind: "command" } {
  const [made] = planLinks(endpoints, String(pid));
  if (made?.kind !== "command") throw new Error("no command");
  return made;
}

describe.skipIf(!isRoot)("links over netlink", () => {
  let lab: NetworkLab;
  beforeAll(async () => {
    lab = await networkLab();
    for (const name of ["brl0", "brl1"]) runCommand(["ip", "link", "add", name, "up", "type", "bridge"]);
  });
  afterAll(() => lab[Symbol.asyncDispose]());
  beforeEach(() => {
    const names = facts("ip").map(({ ifname }) => ifname);
    for (const name of names) if (name.startsWith("bkl")) runCommand(["ip", "link", "del", name]);
  });

  /** What `ip` tells of every veth link, without what differs each time. */
  function facts(...argv: readonly string[]) {
    const { stdout } = runCommand([...argv, "-d", "-j", "link", "show", "type", "veth"]);
    const links: readonly {
      readonly ifname: string;
      readonly mtu: number;
      readonly master?: string;
      readonly address: string;
      readonly flags: readonly string[];
      readonly linkinfo: { readonly info_slave_data?: Readonly<Record<string, unknown>> };
    }[] = JSON.parse(stdout);
    return links.map(({ ifname, mtu, master, flags, linkinfo: { info_slave_data: port } }) => ({
      ifname,
      mtu,
      master,
      isUp: flags.includes("UP"),
      hairpin: port?.hairpin,
      isolated: port?.isolated,
    }));
  }
  const inside = (pid: number) => ["nsenter", "-t", String(pid), "-n", "ip"] as const;

  test("are those that ip makes", async () => {
    const endpoints = [endpoint(0), endpoint(1, { options: noTalk })];
    const [one, other] = [await lab.newNamespace(), await lab.newNamespace()];
    const { links = [], ...byProgram } = step(endpoints, one);
    applySteps([byProgram]);
    const expected = [facts("ip"), facts(...inside(one))];
    for (const name of ["bkl0", "bkl1"]) runCommand(["ip", "link", "del", name]);
    expect(links.map(({ kind }) => kind)).toEqual(["veth", "bridge-port", "veth", "bridge-port"]);
    requestLinks(step(endpoints, other).links ?? []);
    expect([facts("ip"), facts(...inside(other))]).toEqual(expected);
    const shared = { mtu: 1400, isUp: true, hairpin: true };
    expect(expected[0]).toContainEqual({ ifname: "bkl0", master: "brl0", isolated: false, ...shared });
    expect(expected[0]).toContainEqual({ ifname: "bkl1", master: "brl1", isolated: true, ...shared });
    const { stdout } = runCommand([...inside(other), "link", "show", "eth1"]);
    expect(stdout).toContain(endpoints[1]?.lease.macAddress ?? "no address");
  });

  test("start no ip", async () => {
    const pid = await lab.newNamespace();
    applySteps([{ ...step([endpoint(0)], pid), argv: ["false"] }]);
    expect(facts(...inside(pid)).map(({ ifname }) => ifname)).toEqual(["eth0"]);
  });

  test("leave to ip what comes after the first that is refused", async () => {
    const pid = await lab.newNamespace();
    runCommand(["ip", "link", "add", "bkl1", "type", "veth", "peer", "name", "other"]);
    const both = step([endpoint(0), endpoint(1)], pid);
    let refused: unknown;
    try {
      requestLinks(both.links ?? []);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(LinkRefused);
    expect(refused).toMatchObject({ index: 2, cause: { code: "EEXIST" } });
    expect(facts(...inside(pid)).map(({ ifname }) => ifname)).toEqual(["eth0"]);
    runCommand(["ip", "link", "del", "bkl0"]);
    const written: HostStep = { ...both, argv: ["sh", "-c", 'echo "left: $(cat)" >&2; exit 1'] };
    expect(() => applySteps([written])).toThrow(
      /left: link add name bkl1 .+; link set dev bkl1 type bridge_slave hairpin on$/,
    );
    runCommand(["ip", "link", "del", "bkl0"]);
    expect(() => applySteps([both])).toThrow("File exists");
  });

  test("are refused without a bridge, and where the process has gone, in ip's words", async () => {
    const pid = await lab.newNamespace();
    const missing = { ...endpoint(0), network: aNetwork({ bridge: "brlnone" }) };
    expect(() => applySteps([step([missing], pid)])).toThrow("brlnone");
    expect(() => applySteps([step([endpoint(0)], 4_194_303)])).toThrow(/ip -batch|netns|RTNETLINK/);
    expect(facts("ip").map(({ ifname }) => ifname)).toEqual(["lan0"]);
  });

  test("of other kinds are ip's, and those behind them", async () => {
    const macvlan = endpoint(1, { driver: "macvlan", bridge: "lan0" });
    expect(step([endpoint(0), macvlan, endpoint(2)], 42).links).toHaveLength(2);
    const [inPath] = planLinks([endpoint(0)], "/proc/1/fd/9");
    expect(inPath).toMatchObject({ kind: "command", links: [] });
  });
});
