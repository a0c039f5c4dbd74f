/**
 * A container's resolver in a network namespace of its own, asked by dig and busybox, its state and servers the test's.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { join } from "node:path";
import { closeQuietly } from "../../ffi/file.ts";
import { NameDoor } from "../../src/monitor/name-door.ts";
import { nameSocketFds } from "../../src/network/name-order.ts";
import { openNameSockets } from "../../src/network/name-sockets.ts";
import { insideNamespace, openNetworkNamespace } from "../../src/network/network-namespace.ts";
import { renameContainer } from "../../src/state/container.ts";
import { leaseAddress, releaseLeases } from "../../src/state/lease.ts";
import { insertNetwork } from "../../src/state/network.ts";
import type { LeaseRecord, NetworkRecord } from "../../src/state/record.ts";
import { openState, type State } from "../../src/state/state.ts";
import { type NetworkLab, networkLab, runIn } from "../lib/network-lab.ts";
import { queryBytes, wordBytes } from "../unit/network/dns-fixture.ts";
import { addContainer, aLease, aNetwork } from "../unit/state/state-fixture.ts";

let lab: NetworkLab;
/** Writes as other processes do: the resolver has a connection of its own. */
let state: State;
let front: NetworkRecord;
let guest: number;
let door: NameDoor;
const servers: Socket[] = [];
const notes: string[] = [];

beforeEach(async () => {
  lab = await networkLab();
  state = openState({ database: join(lab.folder, "state.db") });
  front = aNetwork({ name: "front", subnet: "10.1.0.0/24", gateway: "10.1.0.1", bridge: "bkt1" });
  insertNetwork(state, front);
  guest = await lab.newNamespace();
  await runIn(guest, "ip", "link", "set", "lo", "up");
  notes.length = 0;
});

afterEach(async () => {
  door.stop();
  for (const server of servers.splice(0)) server.close();
  state.close();
  await lab[Symbol.asyncDispose]();
  expect(notes).toEqual([]);
});

/** A container with an address in a network. */
function join_(
  network: NetworkRecord,
  name: string,
  address: string,
  more: Partial<LeaseRecord> = {},
): string {
  const { id } = addContainer(state, { name });
  lease(network, id, address, more);
  return id;
}

function lease(network: NetworkRecord, id: string, address: string, more: Partial<LeaseRecord> = {}): void {
  leaseAddress(state, network.id, () =>
    aLease(network.id, id, address, { hostInterface: `v${address}`, ...more }),
  );
}

/** Serves the names of a container in the guest's namespace. */
function serve(containerId: string, dns: readonly string[] = []): void {
  const order = { containerId, database: state.path, dns };
  door = new NameDoor({ ...order, sockets: openNameSockets(guest) }, (text) => notes.push(text));
}

const dig = (...words: string[]) => runIn(guest, "dig", "+tries=1", "+time=5", "@127.0.0.11", ...words);
const short = (...words: string[]) => dig("+short", ...words);

/** The answer's code and counts, as dig prints them. */
async function summary(...words: string[]): Promise<string> {
  const text = await dig(...words);
  const status = /status: (\w+)/.exec(text)?.[1];
  return `${status} ${/ANSWER: (\d+)/.exec(text)?.[1]}`;
}

/** A server on the host that knows one address for every name. */
async function hostServer(address: string, known: readonly number[]): Promise<string[]> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  servers.push(socket);
  socket.on("message", (query, client) => {
    const end = query.indexOf(0, 12) + 5;
    asked.push(query.subarray(13, end - 5).toString("latin1"));
    const head = Buffer.concat([query.subarray(0, 2), Buffer.from([0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0])]);
    const record = [0xc0, 12, ...wordBytes(1), ...wordBytes(1), 0, 0, 0, 60, ...wordBytes(4), ...known];
    socket.send(
      Buffer.concat([head, query.subarray(12, end), Buffer.from(record)]),
      client.port,
      client.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
  return asked;
}

describe("names", () => {
  beforeEach(() => {
    const web = join_(front, "web", "10.1.0.2", { aliases: ["www"] });
    join_(front, "db", "10.1.0.3", { address6: "fd00::3" });
    // Where nobody is at home: what is not known fails at once.
    serve(web, ["127.0.0.1"]);
  });

  test("are answered over UDP and TCP, with docker's time to live", async () => {
    expect(await short("db")).toBe("10.1.0.3");
    expect(await short("+tcp", "db")).toBe("10.1.0.3");
    expect(await short("www.front")).toBe("10.1.0.2");
    expect(await dig("DB")).toMatch(/^DB\.\s+600\s+IN\s+A\s+10\.1\.0\.3$/m);
    expect(await dig("db")).toContain("SERVER: 127.0.0.11#53(127.0.0.11)");
  });

  test("have IPv6 addresses where the container has one, and none otherwise", async () => {
    expect(await short("db", "AAAA")).toBe("fd00::3");
    expect(await summary("web", "AAAA")).toBe("NOERROR 0");
    expect(await summary("web", "MX")).toBe("NOERROR 0");
  });

  test("belong to addresses", async () => {
    expect(await short("-x", "10.1.0.3")).toBe("db.front.");
    expect(await short("-x", "fd00::3")).toBe("db.front.");
  });

  test("are understood by busybox", async () => {
    expect(await runIn(guest, "busybox", "nslookup", "db", "127.0.0.11")).toContain("10.1.0.3");
  });

  test("change at once with containers and their names", async () => {
    const late = join_(front, "late", "10.1.0.9");
    expect(await short("late")).toBe("10.1.0.9");
    renameContainer(state, late, "early");
    expect(await short("early")).toBe("10.1.0.9");
    lease(front, late, "10.1.0.8", { containerInterface: "eth1" });
    expect((await short("early")).split("\n").toSorted()).toEqual(["10.1.0.8", "10.1.0.9"]);
    releaseLeases(state, late);
    expect(await summary("+nocookie", "early")).toBe("SERVFAIL 0");
  });

  test("of networks that the container is not in are not known", async () => {
    const back = aNetwork({ name: "back", subnet: "10.2.0.0/24", gateway: "10.2.0.1", bridge: "bkt2" });
    insertNetwork(state, back);
    join_(back, "hidden", "10.2.0.2");
    expect(await summary("hidden")).toBe("SERVFAIL 0");
    expect(await summary("hidden.back")).toBe("SERVFAIL 0");
  });

  test("the host's is the gateway", async () => {
    expect(await short("host.docker.internal")).toBe("10.1.0.1");
    expect(await short("host.bocker.internal")).toBe("10.1.0.1");
  });
});

test("a kernel that cannot steer has port 53 bound, and the same answers", async () => {
  const containerId = join_(front, "web", "10.1.0.2");
  const sockets = openNameSockets(guest, () => {
    throw new Error("bpf: EPERM");
  });
  door = new NameDoor({ containerId, database: state.path, dns: [], sockets }, (text) => notes.push(text));
  expect(await runIn(guest, "ss", "-Hlunt")).toMatch(/127\.0\.0\.11:53 /);
  expect(await short("web")).toBe("10.1.0.2");
  expect(await short("+tcp", "web")).toBe("10.1.0.2");
});

test("an alias of more containers than fit is answered in full over TCP", async () => {
  const ids = Array.from({ length: 60 }, (_, index) =>
    join_(front, `c${index}`, `10.1.0.${index + 2}`, { aliases: ["all"] }),
  );
  serve(ids[0] ?? "");
  expect((await short("+noedns", "all")).split("\n")).toHaveLength(60);
  expect(await dig("+noedns", "+ignore", "all")).toMatch(/flags: qr tc rd ra/);
});

test("a name server of the container's own keeps port 53", async () => {
  serve(join_(front, "web", "10.1.0.2"));
  using namespace = openNetworkNamespace(guest);
  const own = insideNamespace(namespace, () =>
    Bun.listen({ hostname: "0.0.0.0", port: 53, socket: { data() {} } }),
  );
  expect(await short("web")).toBe("10.1.0.2");
  expect(await short("+tcp", "web")).toBe("10.1.0.2");
  own.stop(true);
});

describe("other names", () => {
  test("are asked of the container's servers, from the host, and of nobody else", async () => {
    const asked = await hostServer("127.0.0.1", [192, 0, 2, 1]);
    serve(join_(front, "web", "10.1.0.2"), ["127.0.0.1"]);
    expect(await short("+nocookie", "example.org")).toBe("192.0.2.1");
    expect(await short("+tcp", "example.org")).toBe("192.0.2.1");
    expect(await short("web")).toBe("10.1.0.2");
    expect(asked).toHaveLength(2);
  });

  test("are not asked for where no network leads out", async () => {
    const asked = await hostServer("127.0.0.1", [192, 0, 2, 1]);
    const inner = aNetwork({
      name: "inner",
      internal: true,
      subnet: "10.3.0.0/24",
      gateway: "10.3.0.1",
      bridge: "bkt3",
    });
    insertNetwork(state, inner);
    const web = join_(inner, "web", "10.3.0.2");
    serve(web, ["127.0.0.1"]);
    expect(await summary("example.org")).toBe("SERVFAIL 0");
    expect(asked).toHaveLength(0);
    lease(front, web, "10.1.0.2", { containerInterface: "eth1" });
    expect(await short("example.org")).toBe("192.0.2.1");
  });

  test("fail when nobody can be asked", async () => {
    serve(join_(front, "web", "10.1.0.2"), ["127.0.0.1"]);
    expect(await summary("example.org")).toBe("SERVFAIL 0");
  });
});

describe("a hostile container", () => {
  beforeEach(() => serve(join_(front, "web", "10.1.0.2")));

  test("sends nonsense by UDP: the next query is answered", async () => {
    const nonsense = `for i in $(seq 300); do head -c $((i * 7 % 1400)) /dev/urandom > /dev/udp/127.0.0.11/53; done`;
    await runIn(guest, "bash", "-c", nonsense);
    expect(await short("web")).toBe("10.1.0.2");
  });

  test("opens more TCP connections than there can be: datagrams are answered, and the last gets its turn", async () => {
    const query = queryBytes({ name: "web" });
    await Bun.write(join(lab.folder, "query"), Buffer.from([...wordBytes(query.byteLength), ...query]));
    const script = `
      for i in $(seq 10 109); do eval "exec $i<>/dev/tcp/127.0.0.11/53"; done
      dig +short +tries=1 @127.0.0.11 web
      for i in $(seq 10 108); do eval "exec $i>&-"; done
      cat ${lab.folder}/query >&109
      head -c 39 <&109 | tail -c 4 | od -An -tu1`;
    expect(await runIn(guest, "bash", "-c", script)).toMatch(/^10\.1\.0\.2\s+10 +1 +0 +2$/);
  });

  test("sends half a message by TCP, many at once, or too many", async () => {
    const query = queryBytes({ name: "web" });
    const framed = Buffer.from([...wordBytes(query.byteLength), ...query]);
    expect(await exchange(framed.subarray(0, 5), framed.subarray(5))).toBe(1);
    expect(await exchange(Buffer.concat(new Array<Buffer>(20).fill(framed)))).toBe(20);
    expect(await exchange(Buffer.from([0, 3, 1, 2, 3]))).toBe(0);
    expect(await exchange(framed, Buffer.from([0]))).toBe(1);
    expect(await short("web")).toBe("10.1.0.2");
  });

  /** How many answers come to these pieces. */
  async function exchange(...pieces: readonly Buffer[]): Promise<number> {
    const files = pieces.map((_, index) => join(lab.folder, `piece${index}`));
    await Promise.all(pieces.map((piece, index) => Bun.write(files[index] ?? "", piece)));
    const output = join(lab.folder, "answers");
    const script = `for f in ${files.join(" ")}; do cat $f; sleep 0.05; done | nc -N 127.0.0.11 53 > ${output}`;
    await runIn(guest, "bash", "-c", script);
    const received = Buffer.from(await Bun.file(output).bytes());
    let count = 0;
    for (let at = 0; at + 2 <= received.length; at += 2 + received.readUInt16BE(at)) count++;
    return count;
  }
});

test("what comes while nobody serves is answered by whoever serves next", async () => {
  const containerId = join_(front, "web", "10.1.0.2");
  const sockets = openNameSockets(guest);
  const answer = short("web");
  // As a monitor that executes itself anew: the descriptors stay, and what is in them.
  await Bun.sleep(0);
  door = new NameDoor({ containerId, database: state.path, dns: [], sockets }, (text) => notes.push(text));
  expect(await answer).toBe("10.1.0.2");
});

test("a database that is gone is not made again", async () => {
  const containerId = join_(front, "web", "10.1.0.2");
  const database = join(lab.folder, "elsewhere/state.db");
  door = new NameDoor({ containerId, database, dns: [], sockets: openNameSockets(guest) }, (text) =>
    notes.push(text),
  );
  expect(await summary("web")).toBe("SERVFAIL 0");
  expect(await Bun.file(database).exists()).toBe(false);
});

test("the sockets are gone when they are closed, and port 53 is free", async () => {
  const sockets = openNameSockets(guest);
  expect(await runIn(guest, "ss", "-Hlunt")).toContain("127.0.0.11:");
  closeQuietly(...nameSocketFds(sockets));
  expect(await runIn(guest, "ss", "-Hlunt")).toBe("");
  door = new NameDoor(undefined, (text) => notes.push(text));
});
