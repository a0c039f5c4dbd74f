/** Forwarding UDP on the loopback interface: whose answer is whose, and what is forgotten when. */
import { afterEach, expect, test } from "bun:test";
import { bindSocket } from "../../../ffi/bound-socket.ts";
import type { Forwarder } from "../../../src/network/forwarder.ts";
import { forwardUdp, type UdpForwarderOptions } from "../../../src/network/udp-forwarder.ts";

type Client = Bun.udp.ConnectedSocket<"buffer">;

const open: Disposable[] = [];
afterEach(() => {
  for (const resource of open.splice(0)) resource[Symbol.dispose]();
});

function closing(socket: { close(): void }): void {
  open.push({ [Symbol.dispose]: () => socket.close() });
}

/** Answers each datagram with the port it came from and its text. */
async function echo(tag = ""): Promise<number> {
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data: (socket, data, port, address) => void socket.send(`${tag}${port} ${data}`, port, address),
    },
  });
  closing(server);
  return server.port;
}

async function forward(
  targets: readonly number[],
  options?: UdpForwarderOptions,
): Promise<{ readonly port: number; readonly forwarder: Forwarder }> {
  const probe = await Bun.udpSocket({ hostname: "127.0.0.1" });
  const { port } = probe;
  probe.close();
  let turn = 0;
  const chooseTarget = () => ({ address: "127.0.0.1", port: targets[turn++ % targets.length] ?? 0 });
  const forwarder = await forwardUdp(bindSocket("udp", "127.0.0.1", port), chooseTarget, options);
  open.push(forwarder);
  return { port, forwarder };
}

/** A client and what it hears; asks until there is an answer, since a datagram may be lost. */
async function client(port: number): Promise<{ ask(text: string): Promise<string>; socket: Client }> {
  let heard: (text: string) => void = () => undefined;
  const socket = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port },
    socket: { data: (_socket, data) => heard(String(data)), error: () => undefined },
  });
  closing(socket);
  const ask = async (text: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    // An answer to the question before may come twice.
    heard = (answer) => {
      if (answer.slice(answer.lastIndexOf(" ") + 1) === text) resolve(answer);
    };
    const timer = setInterval(() => socket.send(text), 200);
    socket.send(text);
    const answer = await promise;
    clearInterval(timer);
    return answer;
  };
  return { ask, socket };
}

test("every client hears its own answers, from one address at the target", async () => {
  const { port, forwarder } = await forward([await echo()]);
  expect(forwarder.isIdle).toBe(true);
  const [left, right] = [await client(port), await client(port)];
  const [first, second] = await Promise.all([left.ask("left"), right.ask("right")]);
  expect(first).toMatch(/^\d+ left$/);
  expect(second).toMatch(/^\d+ right$/);
  expect(await left.ask("more")).toBe(first.replace("left", "more"));
  expect(first.split(" ")[0]).not.toBe(second.split(" ")[0]);
  expect(forwarder.isIdle).toBe(false);
});

test("the largest datagram passes, and an empty one", async () => {
  const { port } = await forward([await echo()]);
  const { ask } = await client(port);
  const large = "x".repeat(60_000);
  expect((await ask(large)).endsWith(` ${large}`)).toBe(true);
  expect(await ask("")).toMatch(/^\d+ $/);
});

test("several targets take turns, each client stays with its own", async () => {
  const { port } = await forward([await echo("a"), await echo("b")]);
  const [left, right] = [await client(port), await client(port)];
  expect(await left.ask("1")).toStartWith("a");
  expect(await right.ask("1")).toStartWith("b");
  expect(await left.ask("2")).toStartWith("a");
});

test("a conversation in which nothing is said is forgotten", async () => {
  const { port, forwarder } = await forward([await echo()], { idleMs: 50 });
  await (await client(port)).ask("hello");
  for (let tries = 0; tries < 1000 && !forwarder.isIdle; tries++) await Bun.sleep(20);
  expect(forwarder.isIdle).toBe(true);
});

test("the quietest gives way when there are too many", async () => {
  const { port } = await forward([await echo()], { maxClients: 2 });
  const [first, second, third] = [await client(port), await client(port), await client(port)];
  const before = [await first.ask("x"), await second.ask("x")];
  expect(await first.ask("x")).toBe(before[0] ?? "");
  await third.ask("x");
  expect(await first.ask("x")).toBe(before[0] ?? "");
  // Its place was taken; it gets a new one, from another port of the forwarder's.
  expect(await second.ask("x")).not.toBe(before[1] ?? "");
});

test("nobody at the target is no end: whoever comes there later is heard", async () => {
  const probe = await Bun.udpSocket({ hostname: "127.0.0.1" });
  const target = probe.port;
  probe.close();
  const { port } = await forward([target]);
  const { ask, socket } = await client(port);
  for (let count = 0; count < 3; count++) {
    socket.send("lost");
    await Bun.sleep(10);
  }
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: target,
    socket: { data: (self, data, from, address) => void self.send(data, from, address) },
  });
  closing(server);
  expect(await ask("late")).toBe("late");
});

test("clients that were forgotten go to the target of now", async () => {
  const { port, forwarder } = await forward([await echo("old "), await echo("new ")]);
  const { ask } = await client(port);
  expect(await ask("one")).toStartWith("old ");
  expect(await ask("two")).toStartWith("old ");
  forwarder.forgetClients?.();
  expect(forwarder.isIdle).toBe(true);
  expect(await ask("three")).toStartWith("new ");
});
