import { describe, expect, test } from "bun:test";
import { parseHardwareAddress, parseInet, parseInet6 } from "../../../ffi/inet-address.ts";
import { syscallNumber } from "../../../ffi/syscall-number.ts";
import { TapeWriter, tapeHeaderBytes, tapeMagic, tapeOperationBytes } from "../../../ffi/tape.ts";

/** A tape read back as init reads it. */
function readTape(tape: Uint8Array) {
  const view = new DataView(tape.buffer, tape.byteOffset, tape.byteLength);
  const [magic, count, relocations, blob] = [0, 4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  const relocationAt = tapeHeaderBytes + count * tapeOperationBytes;
  const text = (offset: number) => {
    const end = tape.indexOf(0, blob + offset);
    return new TextDecoder().decode(tape.subarray(blob + offset, end));
  };
  return {
    magic,
    count,
    blob,
    text,
    relocations: Array.from({ length: relocations }, (_, index) =>
      view.getUint32(relocationAt + index * 4, true),
    ),
    word: (offset: number) => Number(view.getBigUint64(blob + offset, true)),
    operation: (index: number) => {
      const at = tapeHeaderBytes + index * tapeOperationBytes;
      return {
        number: view.getUint32(at, true),
        keep: view.getUint16(at + 4, true),
        unless: view.getUint16(at + 6, true),
        kind: view.getUint8(at + 8),
        pointers: view.getUint8(at + 9),
        slots: view.getUint8(at + 10),
        ignore: [...tape.subarray(at + 11, at + 16)],
        args: Array.from({ length: 6 }, (_, arg) => view.getBigInt64(at + 16 + arg * 8, true)),
      };
    },
  };
}

describe("a tape", () => {
  test("holds calls with integers, strings, slots, kept results and ignored errors", () => {
    const writer = new TapeWriter();
    writer.call("openat", [-100, "/proc", 0x80000, 0], { keep: 3, ignore: [2, 20] });
    writer.call("close", [{ slot: 3 }], { unless: 1 });
    const tape = readTape(writer.finish());
    expect(tape.magic).toBe(tapeMagic);
    expect(tape.count).toBe(2);
    const [open, close] = [tape.operation(0), tape.operation(1)];
    expect(open).toMatchObject({
      number: syscallNumber.openat,
      kind: 0,
      keep: 3,
      unless: 0xffff,
      pointers: 2,
      slots: 0,
    });
    expect(open.args[0]).toBe(-100n);
    expect(tape.text(Number(open.args[1]))).toBe("/proc");
    expect(open.ignore).toEqual([2, 20, 0, 0, 0]);
    expect(close).toMatchObject({ keep: 0xffff, unless: 1, slots: 1, args: [3n, 0n, 0n, 0n, 0n, 0n] });
  });

  test.each([0, 1, -1, -100, 0x7fffffff, 0x80000000, 0xffffffff, 0x280000000, -0x80000000])(
    "the number %d survives",
    (value) => {
      const writer = new TapeWriter();
      writer.call("umask", [value]);
      expect(readTape(writer.finish()).operation(0).args[0]).toBe(BigInt(value));
    },
  );

  test("NULL is 0 and no pointer", () => {
    const writer = new TapeWriter();
    writer.call("mount", [null, "/", null, 0, null]);
    expect(readTape(writer.finish()).operation(0)).toMatchObject({ pointers: 2 });
  });

  test("equal strings are stored once, structs are aligned, pointers inside them are relocated", () => {
    const writer = new TapeWriter();
    const filter = { bytes: new Uint8Array([1, 2, 3, 4, 5, 0, 0, 0]) };
    const program = { bytes: new Uint8Array(16), pointers: [{ at: 8, to: filter }] };
    writer.call("chdir", ["/a"]);
    writer.call("chroot", ["/a"]);
    writer.call("seccomp", [1, 0, program]);
    const tape = readTape(writer.finish());
    expect(tape.operation(0).args[0]).toBe(tape.operation(1).args[0] ?? -1n);
    const at = Number(tape.operation(2).args[2]);
    expect(at % 8).toBe(0);
    expect(tape.relocations).toEqual([at + 8]);
    expect(tape.word(tape.word(at + 8))).toBe(0x0504030201);
  });

  test("arrays of strings end with NULL, empty ones too", () => {
    const writer = new TapeWriter();
    const argv = writer.strings(["ls", "-l", "ls", ""]);
    const none = writer.strings([]);
    writer.own("execve", [argv, none, none, 1]);
    const tape = readTape(writer.finish());
    expect([0, 8, 16, 24].map((at) => tape.text(tape.word(argv + at)))).toEqual(["ls", "-l", "ls", ""]);
    expect(tape.word(argv + 32)).toBe(0);
    expect(tape.word(none)).toBe(0);
    expect(tape.operation(0)).toMatchObject({ kind: 6, pointers: 0 });
  });

  test("grows with its content", () => {
    const writer = new TapeWriter();
    const texts = Array.from({ length: 2000 }, (_, index) => `${"é".repeat(50)}${index}`);
    for (const text of texts) writer.call("chdir", [text]);
    const tape = readTape(writer.finish());
    expect(tape.count).toBe(2000);
    expect(texts.filter((text, index) => tape.text(Number(tape.operation(index).args[0])) !== text)).toEqual(
      [],
    );
  });

  test("what init could not understand is refused", () => {
    const writer = new TapeWriter();
    expect(() => writer.call("chdir", ["/a\0b"])).toThrow("NUL");
    expect(() => writer.call("chdir", ["/"], { ignore: [1, 2, 3, 4, 5, 6] })).toThrow("too many");
  });
});

describe("addresses", () => {
  test.each([
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["fd00::2", "fd000000000000000000000000000002"],
    ["2001:db8:1:2:3:4:5:6", "20010db8000100020003000400050006"],
    ["::ffff:10.0.0.1", "00000000000000000000ffff0a000001"],
    ["fe80::", "fe800000000000000000000000000000"],
  ])("IPv6 %s", (text, hex) => {
    expect(Buffer.from(parseInet6(text)).toString("hex")).toBe(hex);
  });

  test.each(["", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::", "12345::", "1.2.3.4"])(
    "IPv6 %p is refused",
    (text) => {
      expect(() => parseInet6(text)).toThrow(RangeError);
    },
  );

  test("IPv4 and MAC", () => {
    expect([...parseInet("172.17.0.2")]).toEqual([172, 17, 0, 2]);
    for (const text of ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "a.b.c.d", "1.2.3.-4"]) {
      expect(() => parseInet(text)).toThrow(RangeError);
    }
    expect([...parseHardwareAddress("02:42:AC:11:00:02")]).toEqual([2, 0x42, 0xac, 0x11, 0, 2]);
    expect(() => parseHardwareAddress("02:42:ac:11:00")).toThrow(RangeError);
  });
});
