/**
 * A TCP proxy before a real server that hangs up in the middle: for clients that must go on where they were.
 */

export interface CuttingProxy extends Disposable {
  /** `localhost:PORT`. */
  readonly host: string;
  /** Connections that were cut so far. */
  readonly cuts: number;
}

/** One direction: bytes wait here until the socket takes them. */
class Pipe {
  readonly #waiting: Uint8Array[] = [];
  #socket: { write(bytes: Uint8Array): number } | undefined;

  connect(socket: { write(bytes: Uint8Array): number }): void {
    this.#socket = socket;
    this.flush();
  }

  send(bytes: Uint8Array): void {
    this.#waiting.push(Buffer.from(bytes));
    this.flush();
  }

  /** Also for the socket's `drain`. */
  flush(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const sent = Math.max(0, this.#socket?.write(first) ?? 0);
      if (sent < first.byteLength) {
        this.#waiting[0] = first.subarray(sent);
        return;
      }
      this.#waiting.shift();
    }
  }
}

interface Link {
  readonly up: Pipe;
  readonly down: Pipe;
  upstream?: { end(): void };
  bytes: number;
}

/**
 * Forwards to `localhost:targetPort`. Of the connections that carry more than `cutBytes` from the client, the first
 * `cutCount` are cut there.
 */
export function startCuttingProxy(targetPort: number, cutBytes: number, cutCount: number): CuttingProxy {
  let cuts = 0;
  const server = Bun.listen<Link>({
    port: 0,
    hostname: "127.0.0.1",
    socket: {
      open(client) {
        client.data = { up: new Pipe(), down: new Pipe(), bytes: 0 };
        client.data.down.connect(client);
        void connectUpstream(targetPort, client.data, () => void client.end());
      },
      data(client, bytes) {
        const link = client.data;
        link.bytes += bytes.byteLength;
        if (link.bytes <= cutBytes || cuts >= cutCount) {
          link.up.send(bytes);
          return;
        }
        cuts += 1;
        link.upstream?.end();
        client.terminate();
      },
      drain: (client) => client.data.down.flush(),
      close: (client) => client.data.upstream?.end(),
    },
  });
  return {
    host: `localhost:${server.port}`,
    get cuts() {
      return cuts;
    },
    [Symbol.dispose]: () => server.stop(true),
  };
}

async function connectUpstream(port: number, link: Link, hangUp: () => void): Promise<void> {
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(upstream) {
        link.upstream = { end: () => void upstream.end() };
        link.up.connect(upstream);
      },
      data: (_, bytes) => link.down.send(bytes),
      drain: () => link.up.flush(),
      close: hangUp,
      error: hangUp,
    },
  });
}
