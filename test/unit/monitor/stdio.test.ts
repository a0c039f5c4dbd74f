import { describe, expect, test } from "bun:test";
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { closeQuietly, pipe2 } from "../../../ffi/file.ts";
import { openPtyPeer, unlockPty } from "../../../ffi/tty.ts";
import { closeHostStdio, makePipes } from "../../../src/monitor/container-stdio.ts";
import { DescriptorWriter } from "../../../src/monitor/descriptor-writer.ts";
import { pumpOutput } from "../../../src/monitor/output-pump.ts";

function openPty(): { readonly master: number; readonly slave: number } {
  const master = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY);
  unlockPty(master);
  return { master, slave: openPtyPeer(master) };
}

const flagsOf = (fd: number): number =>
  Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1] ?? "", 8);

describe("makePipes", () => {
  test("makes three close-on-exec pipes, or two without stdin", () => {
    const pipes = makePipes({
      stdin: true,
      owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    });
    const ends = [
      pipes.host.stdin,
      pipes.host.stdout,
      pipes.host.stderr,
      pipes.child.stdin,
      pipes.child.stdout,
    ];
    for (const fd of ends) {
      expect(fstatSync(fd ?? -1).isFIFO()).toBe(true);
      expect(flagsOf(fd ?? -1) & 0o2000000).not.toBe(0);
    }
    pipes.closeChildEnds();
    closeHostStdio(pipes.host);
    const without = makePipes({ stdin: false, owner: { uid: -1, gid: -1 } });
    expect([without.host.stdin, without.child.stdin]).toEqual([undefined, undefined]);
    without.closeChildEnds();
    closeHostStdio(without.host);
  });

  test("making our end non-blocking does not show on the process's", async () => {
    const pipes = makePipes({ stdin: true, owner: { uid: -1, gid: -1 } });
    const writer = new DescriptorWriter(pipes.host.stdin ?? -1, "pipe");
    const pump = pumpOutput(pipes.host.stdout, () => undefined);
    expect(flagsOf(pipes.child.stdin ?? -1) & constants.O_NONBLOCK).toBe(0);
    expect(flagsOf(pipes.child.stdout) & constants.O_NONBLOCK).toBe(0);
    pipes.closeChildEnds();
    await pump.done;
    writer.close();
    closeQuietly(pipes.host.stdout, pipes.host.stderr);
  });
});

describe("pumpOutput", () => {
  test("delivers everything and ends with the pipe", async () => {
    const [readEnd, writeEnd] = pipe2();
    let text = "";
    const pump = pumpOutput(readEnd, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    for (const word of ["a", "b", "c"]) {
      writeSync(writeEnd, word);
      await Bun.sleep(2);
    }
    expect(text).toBe("abc");
    closeSync(writeEnd);
    await pump.done;
    expect(pump.bytes).toBe(3);
    closeSync(readEnd);
  });

  test("reads nothing more while its taker is busy", async () => {
    const [readEnd, writeEnd] = pipe2();
    const busy = Promise.withResolvers<void>();
    let taken = 0;
    const pump = pumpOutput(readEnd, (chunk) => {
      taken += chunk.byteLength;
      return busy.promise;
    });
    const writer = new DescriptorWriter(writeEnd, "pipe");
    const writing = writer.write(new Uint8Array(1 << 20));
    await Bun.sleep(50);
    const held = taken;
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(600_000);
    await Bun.sleep(50);
    expect(taken).toBe(held);
    expect(pump.reading).toBe(false);
    busy.resolve();
    await writing;
    writer.close();
    await pump.done;
    expect(taken).toBe(1 << 20);
    closeSync(readEnd);
  });

  test("rejects with what its taker threw", async () => {
    const [readEnd, writeEnd] = pipe2();
    const pump = pumpOutput(readEnd, () => {
      throw new Error("full");
    });
    writeSync(writeEnd, "x");
    await expect(pump.done).rejects.toThrow("full");
    closeQuietly(readEnd, writeEnd);
  });

  test("stop() ends it, and the writer's pipe breaks", async () => {
    const [readEnd, writeEnd] = pipe2();
    const pump = pumpOutput(readEnd, () => undefined);
    await Bun.sleep(5);
    pump.stop();
    await pump.done;
    closeSync(readEnd);
    await Bun.sleep(5);
    expect(() => writeSync(writeEnd, "x")).toThrow("EPIPE");
    closeSync(writeEnd);
  });

  test("a pty ends without an error once nobody has its slave, and everything was read", async () => {
    const { master, slave } = openPty();
    let text = "";
    const pump = pumpOutput(master, (chunk) => {
      text += new TextDecoder().decode(chunk);
    });
    writeSync(slave, "one\n");
    await Bun.sleep(5);
    writeSync(slave, "two\n");
    closeSync(slave);
    await pump.done;
    expect(text).toBe("one\r\ntwo\r\n");
    closeSync(master);
  });
});

describe("DescriptorWriter", () => {
  test("writes at once what fits", () => {
    const [readEnd, writeEnd] = pipe2();
    const writer = new DescriptorWriter(writeEnd, "pipe");
    expect(writer.write(Buffer.from("now"))).toBeUndefined();
    const buffer = new Uint8Array(10);
    expect(readSync(readEnd, buffer)).toBe(3);
    writer.close();
    expect(readSync(readEnd, buffer)).toBe(0);
    closeSync(readEnd);
  });

  test("keeps the order and every byte when the reader is slower", async () => {
    const [readEnd, writeEnd] = pipe2();
    const writer = new DescriptorWriter(writeEnd, "pipe");
    const chunks = Array.from({ length: 50 }, (_, n) => new Uint8Array(30_000 + n).fill(n));
    const read: Uint8Array[] = [];
    const pump = pumpOutput(readEnd, async (chunk) => {
      read.push(chunk);
      await Bun.sleep(1);
    });
    await Promise.all(chunks.map((chunk) => writer.write(chunk)));
    writer.close();
    await pump.done;
    expect(Buffer.concat(read).equals(Buffer.concat(chunks))).toBe(true);
    closeSync(readEnd);
  });

  test("close() waits for what is on its way", async () => {
    const [readEnd, writeEnd] = pipe2();
    const writer = new DescriptorWriter(writeEnd, "pipe");
    const writing = writer.write(new Uint8Array(300_000));
    writer.close();
    let bytes = 0;
    await pumpOutput(readEnd, (chunk) => {
      bytes += chunk.byteLength;
    }).done;
    await writing;
    expect(bytes).toBe(300_000);
    closeSync(readEnd);
  });

  test("says EPIPE when nobody reads, at once or later", async () => {
    const [readEnd, writeEnd] = pipe2();
    const writer = new DescriptorWriter(writeEnd, "pipe");
    const writing = Promise.resolve(writer.write(new Uint8Array(300_000)));
    closeSync(readEnd);
    await expect(writing).rejects.toThrow("EPIPE");
    expect(() => writer.write(Buffer.from("x"))).toThrow("EPIPE");
    writer.close();
  });

  test("does not block on a terminal that nobody reads, and goes on when somebody does", async () => {
    const { master, slave } = openPty();
    const { getTerminalModes, rawModes, setTerminalModes } = await import("../../../ffi/terminal.ts");
    setTerminalModes(slave, rawModes(getTerminalModes(slave)));
    const writer = new DescriptorWriter(master, "pty");
    const text = Buffer.alloc(200_000, "0123456789");
    const writing = writer.write(text);
    expect(writing).toBeInstanceOf(Promise);
    const read: Buffer[] = [];
    const buffer = Buffer.alloc(65_536);
    for (let bytes = 0; bytes < text.byteLength; await Bun.sleep(1)) {
      const length = readSync(slave, buffer);
      read.push(Buffer.from(buffer.subarray(0, length)));
      bytes += length;
    }
    await writing;
    expect(Buffer.concat(read).equals(text)).toBe(true);
    closeQuietly(slave, master);
  });
});
