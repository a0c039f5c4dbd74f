import { describe, expect, test } from "bun:test";
import { renderHostname, renderHosts, updateHosts } from "../../../src/network/hosts-file.ts";
import {
  hostNameservers,
  hostResolvConfPath,
  type ResolvConfInput,
  renderResolvConf,
} from "../../../src/network/resolv-conf.ts";

const host =
  "# comment\nnameserver 10.0.0.53\nnameserver 127.0.0.1\nsearch example.org sub.example.org\noptions edns0\n";

function resolv(changes: Partial<ResolvConfInput> = {}): string[] {
  const input = {
    hostText: host,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    sharesHostNetwork: false,
    ...changes,
  };
  return renderResolvConf(input)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

describe("resolv.conf", () => {
  test("is the host's without loopback servers", () => {
    expect(resolv()).toEqual(["nameserver 10.0.0.53", "search example.org sub.example.org", "options edns0"]);
  });

  test.each([
    ["", ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]],
    ["nameserver 127.0.0.53\n", ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]],
    ["nameserver ::1\nnameserver fd00::53\n", ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]],
    ["  nameserver\t9.9.9.9\n; x\nsortlist 1.2.3.4\n", ["nameserver 9.9.9.9", "sortlist 1.2.3.4"]],
    ["nameserver 9.9.9.9\ndomain a.b\n", ["nameserver 9.9.9.9", "search a.b"]],
    ["nameserver 9.9.9.9\nsearch a\nsearch b\n", ["nameserver 9.9.9.9", "search b"]],
    ["nameserver\n", ["nameserver 8.8.8.8", "nameserver 8.8.4.4"]],
  ])("from %j is %p", (hostText, expected) => {
    expect(resolv({ hostText })).toEqual(expected);
  });

  test("the user's words win, a dot means none", () => {
    expect(
      resolv({ dns: ["1.1.1.1", "127.0.0.1"], dnsSearch: ["x.y"], dnsOptions: ["ndots:2", "rotate"] }),
    ).toEqual(["nameserver 1.1.1.1", "nameserver 127.0.0.1", "search x.y", "options ndots:2 rotate"]);
    expect(resolv({ dnsSearch: ["."] })).toEqual(["nameserver 10.0.0.53", "options edns0"]);
  });

  test("in the host's network it is the host's file, and loopback servers stay", () => {
    const input = { hostText: host, dns: [], dnsSearch: [], dnsOptions: [], sharesHostNetwork: true };
    expect(renderResolvConf(input)).toBe(host);
    expect(resolv({ sharesHostNetwork: true, dnsSearch: ["z"] }).slice(0, 3)).toEqual([
      "nameserver 10.0.0.53",
      "nameserver 127.0.0.1",
      "search z",
    ]);
  });

  test("with a resolver it has that one alone, and asks it for words without a dot", () => {
    const resolver = "127.0.0.11";
    expect(resolv({ resolver, dns: ["1.1.1.1"] })).toEqual([
      "nameserver 127.0.0.11",
      "search example.org sub.example.org",
      "options edns0 ndots:0",
    ]);
    expect(resolv({ resolver, hostText: "" })).toEqual(["nameserver 127.0.0.11", "options ndots:0"]);
    const options = resolv({ resolver, dnsOptions: ["ndots:3", "rotate"] });
    expect(options.at(-1)).toBe("options ndots:3 rotate");
  });

  test("has IPv6 servers for a container that can reach them", () => {
    const hostText = "nameserver fd00::53\nnameserver ::1\n";
    expect(resolv({ hostText, hasIpv6: true })).toEqual(["nameserver fd00::53"]);
    expect(resolv({ hostText: "", hasIpv6: true })).toHaveLength(4);
  });

  test("the host's servers are those it lists, loopback included, or public ones", () => {
    expect(hostNameservers(host)).toEqual(["10.0.0.53", "127.0.0.1"]);
    expect(hostNameservers("search x\nnameserver\n")).toEqual(["8.8.8.8", "8.8.4.4"]);
  });

  test("a resolved stub alone points at the real servers", () => {
    expect(hostResolvConfPath("nameserver 127.0.0.53\n")).toBe("/run/systemd/resolve/resolv.conf");
    expect(hostResolvConfPath("nameserver 127.0.0.53\nnameserver 1.1.1.1\n")).toBe("/etc/resolv.conf");
    expect(hostResolvConfPath("")).toBe("/etc/resolv.conf");
  });
});

describe("hosts", () => {
  const standard = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::\tip6-localnet",
    "ff00::\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
  ];
  const input = { hostname: "web", addresses: ["172.30.0.2"], addHosts: [], hostGateway: "172.30.0.1" };

  test("names the container at its address", () => {
    expect(renderHosts(input)).toBe(`${[...standard, "172.30.0.2\tweb"].join("\n")}\n`);
    expect(renderHosts({ ...input, domainname: "a.b" })).toEndWith("172.30.0.2\tweb.a.b web\n");
    expect(renderHosts({ ...input, addresses: [] })).toBe(`${standard.join("\n")}\n`);
  });

  test("added hosts come before it; host-gateway is the bridge", () => {
    const addHosts = ["db:10.0.0.9", "v6:fd00::1", "b6:[fd00::2]", "host:host-gateway", "eq=1.2.3.4"];
    const lines = renderHosts({ ...input, addHosts })
      .trimEnd()
      .split("\n")
      .slice(standard.length);
    expect(lines).toEqual([
      "10.0.0.9\tdb",
      "fd00::1\tv6",
      "fd00::2\tb6",
      "172.30.0.1\thost",
      "1.2.3.4\teq",
      "172.30.0.2\tweb",
    ]);
  });

  test("the host has names where it is given some, but for those the user gave", () => {
    const hostNames = ["host.a", "host.b"];
    const lines = (addHosts: string[]) =>
      renderHosts({ ...input, addHosts, hostNames })
        .trimEnd()
        .split("\n")
        .slice(standard.length);
    expect(lines([])).toEqual(["172.30.0.1\thost.a host.b", "172.30.0.2\tweb"]);
    expect(lines(["host.a:1.2.3.4"])).toEqual(["1.2.3.4\thost.a", "172.30.0.1\thost.b", "172.30.0.2\tweb"]);
    expect(lines(["host.a:1.2.3.4", "host.b=::2"])).toHaveLength(3);
  });

  test("after a change of networks its own lines are those of now, everything else stays", () => {
    const before = `${renderHosts(input)}1.2.3.4 mine\n# web\n`;
    const after = updateHosts(before, { ...input, addresses: ["172.31.0.2", "fd00::2"] });
    expect(after.split("\n").slice(standard.length)).toEqual([
      "1.2.3.4 mine",
      "# web",
      "172.31.0.2\tweb",
      "fd00::2\tweb",
      "",
    ]);
    expect(updateHosts(before, input)).toBe(before);
    expect(updateHosts("", input)).toBe("\n172.30.0.2\tweb\n");
  });

  test("links have a line each, which follows the other's address and name, and stays when it stops", () => {
    const linked = { ...input, links: [{ address: "172.30.0.7", names: ["db", "abc", "one"] }] };
    const text = renderHosts(linked);
    expect(text.split("\n").slice(standard.length)).toEqual([
      "172.30.0.7\tdb abc one",
      "172.30.0.2\tweb",
      "",
    ]);
    expect(updateHosts(text, linked)).toBe(text);
    const moved = updateHosts(text, {
      ...input,
      links: [{ address: "172.30.0.9", names: ["db", "def", "one"] }],
    });
    expect(moved.split("\n").slice(standard.length)).toEqual([
      "172.30.0.2\tweb",
      "172.30.0.9\tdb def one",
      "",
    ]);
    expect(updateHosts(moved, { ...input, links: [] })).toBe(moved);
  });

  test("an added line is kept even where it has the container's name", () => {
    const named = { ...input, addHosts: ["web:9.9.9.9"] };
    const text = updateHosts(renderHosts(named), { ...named, addresses: [] });
    expect(text).toContain("9.9.9.9\tweb\n");
    expect(text).not.toContain("172.30.0.2");
  });

  test("in the host's network it is the host's file, until names are added", () => {
    const shared = { ...input, hostText: "127.0.0.1 me\n" };
    expect(renderHosts(shared)).toBe("127.0.0.1 me\n");
    const lines = renderHosts({ ...shared, addHosts: ["x:1.1.1.1"] });
    expect(lines).toBe(`${[...standard, "1.1.1.1\tx"].join("\n")}\n`);
  });

  test("a full name is there with its first label, in one piece or in two", () => {
    expect(renderHosts({ ...input, hostname: "web.a.b" })).toEndWith("172.30.0.2\tweb.a.b web\n");
    expect(renderHosts({ ...input, hostname: "w.eb", domainname: "a.b" })).toEndWith("\tw.eb.a.b w\n");
    const full = { ...input, hostname: "web.a.b" };
    expect(updateHosts(renderHosts(full), { ...full, addresses: [] })).not.toContain("web");
  });

  test("without IPv6 there are no lines of it, nor are any added later", () => {
    const addresses = ["172.30.0.2", "fd00::2"];
    const plain = { ...input, addresses, addHosts: ["six:fd00::9", "four:1.2.3.4"], withoutIpv6: true };
    const text = renderHosts(plain);
    expect(text).toBe("127.0.0.1\tlocalhost\n1.2.3.4\tfour\n172.30.0.2\tweb\n");
    expect(updateHosts(text, plain)).toBe(text);
  });

  test("the host name file is one line", () => {
    expect(renderHostname("web")).toBe("web\n");
  });
});
