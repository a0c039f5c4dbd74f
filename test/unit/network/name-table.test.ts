/**
 * Who is known under which name to whom, and what is answered.
 */
import { describe, expect, test } from "bun:test";
import { answerQuery } from "../../../src/network/answer-query.ts";
import { type DnsQuery, parseQuery } from "../../../src/network/dns-message.ts";
import {
  buildNameTable,
  type NamedPlace,
  type NameTable,
  reverseName,
} from "../../../src/network/name-table.ts";
import { nameBytes, optBytes, type QueryParts, queryBytes } from "./dns-fixture.ts";

const place = (name: string, address: string, more: Partial<NamedPlace> = {}): NamedPlace => ({
  network: "front",
  isDefault: false,
  internal: false,
  gateway: "10.1.0.1",
  name,
  aliases: [],
  address,
  ...more,
});

/** The addresses that a name stands for; undefined: not ours to answer. */
function ask(table: NameTable, name: string, type = 1, more: QueryParts = {}): string[] | undefined {
  const query = parseQuery(queryBytes({ name, type, ...more })) as DnsQuery;
  return answerQuery(query, table)?.answers.map(({ data }) => data.join("."));
}

describe("names in a network", () => {
  const table = buildNameTable([
    place("web", "10.1.0.2", { aliases: ["www", "0123456789ab"] }),
    place("Db", "10.1.0.3", { address6: "fd00::3" }),
  ]);

  test.each([
    ["web", ["10.1.0.2"]],
    ["WEB", ["10.1.0.2"]],
    ["www", ["10.1.0.2"]],
    ["0123456789ab", ["10.1.0.2"]],
    ["web.front", ["10.1.0.2"]],
    ["www.front", ["10.1.0.2"]],
    ["db", ["10.1.0.3"]],
  ])("%s is %p", (name, addresses) => {
    expect(ask(table, name)).toEqual(addresses);
  });

  test.each(["other", "web.back", "web.front.org", "front", ""])("%p is for others to answer", (name) => {
    expect(ask(table, name)).toBeUndefined();
  });

  test("without an IPv6 address there is one empty answer, not none", () => {
    expect(ask(table, "web", 28)).toEqual([]);
    expect(ask(table, "db", 28)).toEqual([[0xfd, ...new Array(14).fill(0), 3].join(".")]);
    expect(ask(table, "web", 15)).toEqual([]);
    expect(ask(table, "db", 255)).toHaveLength(2);
  });

  test("another class or a newer EDNS is not answered from them", () => {
    expect(ask(table, "web", 1, { class: 3 })).toBeUndefined();
    const query = parseQuery(queryBytes({ rest: optBytes(512, 1) })) as DnsQuery;
    expect(answerQuery(query, table)).toMatchObject({ code: 16, answers: [] });
  });

  test("addresses have names, with their network's", () => {
    expect(ask(table, "2.0.1.10.in-addr.arpa", 12)).toEqual([nameBytes("web.front").join(".")]);
    expect(ask(table, reverseName("fd00::3"), 12)).toEqual([nameBytes("Db.front").join(".")]);
    expect(ask(table, "9.0.1.10.in-addr.arpa", 12)).toBeUndefined();
    expect(ask(table, "2.0.1.10.in-addr.arpa", 1)).toBeUndefined();
  });

  test("the host is the gateway", () => {
    expect(ask(table, "host.docker.internal")).toEqual(["10.1.0.1"]);
    expect(ask(table, "host.bocker.internal")).toEqual(["10.1.0.1"]);
    expect(ask(table, "host.docker.internal", 28)).toEqual([]);
  });
});

test("reverse names are those of the RFCs", () => {
  expect(reverseName("172.30.0.2")).toBe("2.0.30.172.in-addr.arpa");
  expect(reverseName("2001:db8::567:89ab")).toBe(
    "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
  );
});

test("several containers of one alias take turns", () => {
  const places = ["10.1.0.2", "10.1.0.3", "10.1.0.4"].map((address, index) =>
    place(`web${index}`, address, { aliases: ["all"] }),
  );
  const table = buildNameTable(places);
  const answers = Array.from({ length: 3 }, () => ask(table, "all") ?? []);
  expect(new Set(answers.map(([first]) => first)).size).toBe(3);
  for (const answer of answers) expect(answer.toSorted()).toEqual(["10.1.0.2", "10.1.0.3", "10.1.0.4"]);
});

test("an alias that is also the name counts once", () => {
  expect(ask(buildNameTable([place("web", "10.1.0.2", { aliases: ["web", "WEB"] })]), "web")).toEqual([
    "10.1.0.2",
  ]);
});

test("of two networks that know a name the first counts", () => {
  const back = { network: "back", gateway: "10.2.0.1" };
  const table = buildNameTable([
    place("web", "10.1.0.2"),
    place("web", "10.2.0.2", back),
    place("db", "10.2.0.3", back),
  ]);
  expect(ask(table, "web")).toEqual(["10.1.0.2"]);
  expect(ask(table, "web.back")).toEqual(["10.2.0.2"]);
  expect(ask(table, "db")).toEqual(["10.2.0.3"]);
});

test("the default network has no names but a way out; an internal one has names and none", () => {
  const lonely = buildNameTable([place("web", "10.1.0.2", { isDefault: true })]);
  expect(ask(lonely, "web")).toBeUndefined();
  expect(lonely.hasWayOut).toBe(true);
  const inner = buildNameTable([place("web", "10.1.0.2", { internal: true })]);
  expect(ask(inner, "web")).toEqual(["10.1.0.2"]);
  expect(inner.hasWayOut).toBe(false);
  expect(buildNameTable([])).toMatchObject({ hasWayOut: false });
});

test("the host's name is the gateway of a network that leads out, if there is one", () => {
  const inner = place("web", "10.2.0.2", { network: "back", internal: true, gateway: "10.2.0.1" });
  expect(ask(buildNameTable([inner]), "host.docker.internal")).toEqual(["10.2.0.1"]);
  expect(ask(buildNameTable([inner, place("web", "10.1.0.2")]), "host.docker.internal")).toEqual([
    "10.1.0.1",
  ]);
});

test("a container that is called like the host is meant", () => {
  const table = buildNameTable([place("web", "10.1.0.2", { aliases: ["host.docker.internal"] })]);
  expect(ask(table, "host.docker.internal")).toEqual(["10.1.0.2"]);
});

test("a name that DNS cannot say has no pointer", () => {
  const table = buildNameTable([place("a".repeat(64), "10.1.0.2")]);
  expect(ask(table, "2.0.1.10.in-addr.arpa", 12)).toBeUndefined();
});

describe("links", () => {
  const places = [
    place("web", "10.1.0.2", { aliases: ["www"] }),
    place("db", "10.1.0.3", { address6: "fd00::3" }),
    place("far", "10.2.0.9", { network: "back" }),
  ];
  const table = buildNameTable(places, [
    { network: "front", target: "DB", alias: "Data" },
    { network: "front", target: "www", alias: "db" },
    { network: "front", target: "far", alias: "there" },
    { network: "front", target: "nobody", alias: "ghost" },
  ]);

  test.each([
    ["data", ["10.1.0.3"]],
    // Before the name that another one has.
    ["db", ["10.1.0.2"]],
    ["db.front", ["10.1.0.3"]],
    ["there", undefined],
    ["ghost", undefined],
  ])("%s is %p", (name, addresses) => {
    expect(ask(table, name)).toEqual(addresses);
  });

  test("have the other's IPv6 address too", () => {
    expect(ask(table, "data", 28)).toEqual([[0xfd, ...new Array<number>(14).fill(0), 3].join(".")]);
  });
});
