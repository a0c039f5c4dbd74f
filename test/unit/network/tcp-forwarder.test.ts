import { afterEach, expect, test } from "bun:test";
import { createConnection, createServer, type Server, type Socket } from "node:net";
import { bindSocket } from "../../../ffi/bound-socket.ts";
import { forwardTcp, type TcpForwarder } from "../../../src/network/tcp-forwarder.ts";

const open: (Server | TcpForwarder)[] = [];
afterEach(() => {
  for (const resource of open.splice(0)) {
    if ("close" in resource) resource.close();
    else resource[Symbol.dispose]();
  }
});

async function serve(handle: (socket: Socket) => void): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, handle);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return address.port;
}

/** A free port: somebody else's, a moment ago. */
async function freePort(): Promise<number> {
  const port = await serve(() => {});
  const server = open.pop();
  if (server !== undefined && "close" in server) await new Promise((resolve) => server.close(resolve));
  return port;
}

async function forward(
  targetPort: number,
  maxConnections?: number,
): Promise<{ port: number; forwarder: TcpForwarder }> {
  const port = await freePort();
  const chooseTarget = () => ({ address: "127.0.0.1", port: targetPort });
  const forwarder = forwardTcp(bindSocket("tcp", "127.0.0.1", port), chooseTarget, maxConnections);
  open.push(forwarder);
  return { port, forwarder };
}

function exchange(port: number, send: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true }, () => socket.end(send));
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("end", () => resolve(Buffer.concat(parts)));
    socket.on("error", reject);
  });
}

function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: "127.0.0.1" }, () => resolve(socket));
    socket.on("error", reject);
  });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 4000 && !condition(); i++) await Bun.sleep(5);
  expect(condition()).toBe(true);
}

function echo(socket: Socket): void {
  socket.on("error", () => {});
  socket.pipe(socket);
}

function randomBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let offset = 0; offset < length; offset += 65_536) {
    crypto.getRandomValues(bytes.subarray(offset, Math.min(offset + 65_536, length)));
  }
  return bytes;
}

test("a half-closed connection still gets its answer", async () => {
  const target = await serve((socket) => {
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("end", () => socket.end(`got ${Buffer.concat(parts).length}`));
  });
  const { port, forwarder } = await forward(target);
  expect((await exchange(port, Buffer.from("hello"))).toString()).toBe("got 5");
  await until(() => forwarder.connectionCount === 0);
});

test("megabytes pass both ways unharmed", async () => {
  const { port, forwarder } = await forward(await serve(echo));
  const bytes = randomBytes(20_000_000);
  const answer = await exchange(port, bytes);
  expect(Bun.hash(answer)).toBe(Bun.hash(bytes));
  await until(() => forwarder.connectionCount === 0);
});

test("a reader that does not read stops the writer, and the rest comes when it does", async () => {
  let sent = 0;
  const chunk = Buffer.alloc(1_000_000, 7);
  const total = 40;
  const target = await serve((socket) => {
    const more = () => {
      while (sent < total) {
        sent++;
        if (!socket.write(chunk)) return;
      }
      socket.end();
    };
    socket.on("drain", more);
    socket.on("error", () => {});
    more();
  });
  const { port } = await forward(target);
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.pause();
  await Bun.sleep(300);
  expect(sent).toBeLessThan(total);
  let received = 0;
  socket.on("data", (part) => {
    received += part.length;
  });
  socket.resume();
  await new Promise((resolve) => socket.on("end", resolve));
  expect(received).toBe(total * chunk.length);
});

test("a target that is not there closes the client", async () => {
  const { port, forwarder } = await forward(await freePort());
  const closed = new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.on("error", () => {});
    socket.on("close", resolve);
  });
  await closed;
  await until(() => forwarder.connectionCount === 0);
});

test("a client that breaks off breaks off the target", async () => {
  let broken = false;
  const target = await serve((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => {
      broken = true;
    });
  });
  const { port, forwarder } = await forward(target);
  const socket = createConnection({ port, host: "127.0.0.1" });
  await new Promise<void>((resolve) => socket.on("connect", resolve));
  socket.resetAndDestroy();
  await until(() => broken);
  await until(() => forwarder.connectionCount === 0);
});

test("a connection too many is turned away, the others go on", async () => {
  const { port, forwarder } = await forward(await serve(echo), 2);
  const [first, second] = [await connected(port), await connected(port)];
  const third = createConnection({ port, host: "127.0.0.1" });
  third.on("error", () => {});
  await new Promise((resolve) => third.on("close", resolve));
  for (const socket of [first, second]) {
    socket.end("still here");
    expect(await new Promise((resolve) => socket.on("data", (part) => resolve(String(part))))).toBe(
      "still here",
    );
  }
  await until(() => forwarder.isIdle);
  expect((await exchange(port, Buffer.from("again"))).toString()).toBe("again");
});

test("five hundred connections at once", async () => {
  const { port, forwarder } = await forward(await serve(echo));
  const bytes = randomBytes(10_000);
  const answers = await Promise.all(Array.from({ length: 500 }, () => exchange(port, bytes)));
  expect(answers.every((answer) => answer.equals(bytes))).toBe(true);
  await until(() => forwarder.connectionCount === 0);
});

test("a port that is taken cannot be bound", async () => {
  const taken = await serve(() => {});
  const bind = () => bindSocket("tcp", "127.0.0.1", taken);
  expect(bind).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
});

test("disposing breaks what is open and frees the port", async () => {
  const { port, forwarder } = await forward(await serve(echo));
  const socket = createConnection({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await until(() => forwarder.connectionCount === 1);
  forwarder[Symbol.dispose]();
  await closed;
  open.push(forwardTcp(bindSocket("tcp", "127.0.0.1", port), () => ({ address: "127.0.0.1", port: 1 })));
});
