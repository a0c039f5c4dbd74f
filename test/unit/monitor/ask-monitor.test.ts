/**
 * A question to a monitor that starts late, hangs up in between, refuses, or is not there.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BockerError } from "../../../src/errors.ts";
import { askMonitor } from "../../../src/monitor/ask-monitor.ts";
import { type AttachListener, listenForClients } from "../../../src/monitor/attach-listener.ts";
import { Channel } from "../../../src/monitor/channel.ts";
import { encodeJson, FrameType, type NameRequest } from "../../../src/monitor/protocol.ts";

let folder: string;
let socketPath: string;
let listener: AttachListener | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-ask-"));
  socketPath = join(folder, "run/attach.sock");
});
afterEach(() => {
  listener?.close();
  listener = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const request: NameRequest = { order: { containerId: "c", database: "/state.db", dns: ["1.1.1.1"] }, pid: 7 };
const ask = () => askMonitor(socketPath, FrameType.serveNames, encodeJson(request), FrameType.namesServed);

async function serve(serveNames: (asked: NameRequest) => Promise<void>): Promise<void> {
  const attached = (channel: Channel) => channel.close();
  listener = await listenForClients(socketPath, { attached, replacePorts: async () => {}, serveNames });
}

describe("a question", () => {
  test("is answered once the monitor has done what it asks", async () => {
    const asked: NameRequest[] = [];
    await serve(async (each) => {
      await Bun.sleep(1);
      asked.push(each);
    });
    await ask();
    expect(asked).toEqual([request]);
  });

  test("waits for a monitor that does not listen yet", async () => {
    const answer = ask();
    await serve(async () => {});
    await answer;
  });

  test("is refused in the monitor's words", async () => {
    await serve(async () => {
      throw new BockerError("cannot serve names", { kind: "host", hint: "look" });
    });
    const error = await ask().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(BockerError);
    expect(error).toMatchObject({ message: "cannot serve names", kind: "host", hint: "look" });
  });

  test("is asked again of a monitor that hung up", async () => {
    let count = 0;
    const attached = () => {};
    const replacePorts = async () => {};
    let current: Channel | undefined;
    const server = await listenForClients(socketPath, { attached, replacePorts, serveNames: async () => {} });
    server.close();
    const hangUp = Bun.listen<Channel>({
      unix: socketPath,
      socket: {
        ...Channel.socketHandlers,
        open: (socket) => {
          socket.data = new Channel();
          Channel.socketHandlers.open(socket);
          current = socket.data;
          count++;
          if (count < 3) current.close();
          else current.send(FrameType.namesServed);
        },
      },
    });
    await ask();
    expect(count).toBe(3);
    hangUp.stop(true);
  });

  test("to nobody ends after a while", async () => {
    const error = await ask().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: "the container's monitor does not answer", kind: "not-running" });
    expect((error as BockerError).hint).toContain("bocker restart");
  });
});
