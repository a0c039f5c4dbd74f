import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LogEntry, renderLines } from "../../../src/monitor/log-entry.ts";
import { type ReadLogOptions, readLog } from "../../../src/monitor/log-reader.ts";
import { LogWriter } from "../../../src/monitor/log-writer.ts";
import { RotatingFile } from "../../../src/monitor/rotating-file.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-log-"));
  path = join(folder, "log.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const unlimited = { maxSizeBytes: -1, maxFiles: 1 };
const target = (limits = unlimited, driver: "json-file" | "none" = "json-file") => ({
  driver,
  path,
  ...limits,
});

async function readAll(options: ReadLogOptions = {}): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for await (const batch of readLog(path, options)) entries.push(...batch);
  return entries;
}

const texts = async (options: ReadLogOptions = {}): Promise<string[]> =>
  (await readAll(options)).map(({ text }) => text);

describe("RotatingFile", () => {
  const line = (n: number): Buffer => Buffer.from(`line ${String(n).padStart(4, "0")}\n`);

  test("goes over its limit by less than a line, and keeps so many files", () => {
    const file = new RotatingFile(path, { maxSizeBytes: 35, maxFiles: 3 });
    for (let n = 0; n < 20; n++) file.append(line(n));
    file.close();
    expect(readdirSync(folder).toSorted()).toEqual(["log.json", "log.json.1", "log.json.2"]);
    expect(readFileSync(`${path}.2`, "utf8")).toBe("line 0008\nline 0009\nline 0010\nline 0011\n");
    expect(readFileSync(`${path}.1`, "utf8")).toBe("line 0012\nline 0013\nline 0014\nline 0015\n");
    expect(readFileSync(path, "utf8")).toBe("line 0016\nline 0017\nline 0018\nline 0019\n");
  });

  test("cuts one large append at the same lines as many small ones", () => {
    const file = new RotatingFile(path, { maxSizeBytes: 35, maxFiles: 3 });
    file.append(Buffer.concat(Array.from({ length: 20 }, (_, n) => line(n))));
    file.close();
    expect(readFileSync(`${path}.1`, "utf8")).toBe("line 0012\nline 0013\nline 0014\nline 0015\n");
  });

  test("with one file starts again at zero", () => {
    const file = new RotatingFile(path, { maxSizeBytes: 25, maxFiles: 1 });
    for (let n = 0; n < 7; n++) file.append(line(n));
    file.close();
    expect(readdirSync(folder)).toEqual(["log.json"]);
    expect(readFileSync(path, "utf8")).toBe("line 0006\n");
  });

  test("goes on with what is there, and ends a torn line first", () => {
    writeFileSync(path, "whole\ntorn");
    const file = new RotatingFile(path, unlimited);
    file.append(line(1));
    file.close();
    const again = new RotatingFile(path, unlimited);
    again.append(line(2));
    again.close();
    expect(readFileSync(path, "utf8")).toBe("whole\ntorn\nline 0001\nline 0002\n");
  });

  test("leaves all as it is when a new file cannot be made", () => {
    const file = new RotatingFile(path, { maxSizeBytes: 20, maxFiles: 3 });
    file.append(Buffer.concat([line(1), line(2)]));
    appendFileSync(`${path}.new`, "");
    rmSync(`${path}.new`);
    const blocked = `${path}.new`;
    mkdirSync(blocked);
    expect(() => file.append(line(3))).toThrow("EISDIR");
    expect(readFileSync(path, "utf8")).toBe("line 0001\nline 0002\n");
    expect(existsSync(`${path}.1`)).toBe(false);
    rmSync(blocked, { recursive: true });
    file.append(line(4));
    file.close();
    expect(readFileSync(path, "utf8")).toBe("line 0004\n");
    expect(readFileSync(`${path}.1`, "utf8")).toBe("line 0001\nline 0002\n");
  });
});

describe("LogWriter", () => {
  test("keeps the streams apart, and unfinished lines until the end", async () => {
    const log = new LogWriter(target(), () => 1000);
    log.write("stdout", Buffer.from("out 1\nout"));
    log.write("stderr", Buffer.from("err 1\n"));
    log.write("stdout", Buffer.from(" 2\nprompt$ "));
    log.close();
    expect(await readAll()).toEqual([
      { stream: "stdout", text: "out 1\n", time: "1970-01-01T00:00:01Z" },
      { stream: "stderr", text: "err 1\n", time: "1970-01-01T00:00:01Z" },
      { stream: "stdout", text: "out 2\n", time: "1970-01-01T00:00:01Z" },
      { stream: "stdout", text: "prompt$ ", time: "1970-01-01T00:00:01Z" },
    ]);
  });

  test("writes every line before the next chunk comes: nothing waits", async () => {
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("first\n"));
    expect(await texts()).toEqual(["first\n"]);
    log.close();
  });

  test("without a driver writes no file", () => {
    const log = new LogWriter(target(unlimited, "none"));
    log.write("stdout", Buffer.from("x\n"));
    log.note("x");
    log.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("makes bytes that are no UTF-8 replacement characters", async () => {
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from([0x61, 0xff, 0x62, 0x0a]));
    log.close();
    expect(await texts()).toEqual(["a\ufffdb\n"]);
  });

  test("never throws for a full disk, and says later what was lost", async () => {
    symlinkSync("/dev/full", path);
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("lost 1\nlost 2\n"));
    log.write("stderr", Buffer.from("lost 3\n"));
    expect(() => log.close()).not.toThrow();
  });

  test("says what was lost where it was lost", async () => {
    rmSync(folder, { recursive: true });
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("lost 1\nlost 2\n"));
    log.write("stderr", Buffer.from("lost 3\n"));
    mkdirSync(folder);
    log.write("stdout", Buffer.from("kept\n"));
    log.close();
    expect((await readAll()).map(({ stream, text }) => [stream, text])).toEqual([
      ["stderr", "bocker: dropped 3 lines (21 bytes) of output here: no such file or directory\n"],
      ["stdout", "kept\n"],
    ]);
  });

  test("reports a loss at the end when nothing was written after it", async () => {
    rmSync(folder, { recursive: true });
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("lost\n"));
    mkdirSync(folder);
    log.close();
    expect(await texts()).toEqual([
      "bocker: dropped 1 line (5 bytes) of output here: no such file or directory\n",
    ]);
  });
});

describe("readLog", () => {
  const write = (from: number, to: number, limits = unlimited): void => {
    const log = new LogWriter(target(limits), () => from * 1000);
    for (let n = from; n < to; n++) log.write("stdout", Buffer.from(`line ${n}\n`));
    log.close();
  };

  test("gives nothing where nothing was logged", async () => {
    expect(await texts()).toEqual([]);
    expect(await texts({ tail: 3 })).toEqual([]);
  });

  test("reads rotated files oldest first", async () => {
    write(0, 12, { maxSizeBytes: 300, maxFiles: 3 });
    const all = await texts();
    expect(all.at(-1)).toBe("line 11\n");
    expect(all.length).toBeGreaterThan(8);
    expect(all).toEqual(all.toSorted((a, b) => Number(a.slice(5)) - Number(b.slice(5))));
  });

  test("--tail gives exactly the last entries, across files and blocks", async () => {
    write(0, 3000, { maxSizeBytes: 90_000, maxFiles: 4 });
    const all = await texts();
    for (const tail of [0, 1, 10, 500, 1400, 2000, all.length, all.length + 1]) {
      expect(await texts({ tail })).toEqual(tail === 0 ? [] : all.slice(-tail));
    }
  });

  test("a torn last line and junk are passed over", async () => {
    write(0, 2);
    appendFileSync(path, 'junk\n{"log":"torn');
    expect(await texts()).toEqual(["line 0\n", "line 1\n"]);
    expect(await texts({ tail: 1 })).toEqual([]);
    expect(await texts({ tail: 2 })).toEqual(["line 1\n"]);
  });

  test("--since and --until take what lies between, to the microsecond", async () => {
    for (const [n, time] of [
      "1970-01-01T00:00:01Z",
      "1970-01-01T00:00:01.5005Z",
      "1970-01-01T00:00:02Z",
    ].entries()) {
      appendFileSync(path, renderLines("stdout", `${n}\n`, time));
    }
    expect(await texts({ since: 1500.5 })).toEqual(["1\n", "2\n"]);
    expect(await texts({ since: 1500.6 })).toEqual(["2\n"]);
    expect(await texts({ until: 1500.5 })).toEqual(["0\n", "1\n"]);
    expect(await texts({ since: 1000, until: 1000 })).toEqual(["0\n"]);
  });

  test("a line larger than the reading buffer is read whole", async () => {
    const long = "y".repeat(3 << 20);
    appendFileSync(path, renderLines("stdout", `${long}\nafter\n`, "1970-01-01T00:00:01Z"));
    expect((await texts()).map((text) => text.length)).toEqual([long.length + 1, 6]);
  });
});

describe("readLog, following", () => {
  async function follow(
    run: (log: LogWriter) => Promise<void>,
    limits = unlimited,
    tail?: number,
  ): Promise<string[]> {
    const log = new LogWriter(target(limits));
    log.write("stdout", Buffer.from("before\n"));
    const ended = Promise.withResolvers<void>();
    const reading = texts({ followUntil: ended.promise, ...(tail === undefined ? {} : { tail }) });
    await run(log);
    log.close();
    ended.resolve();
    return reading;
  }
  const numbers = (count: number): string[] => Array.from({ length: count }, (_, n) => `${n}\n`);

  test("goes on to the last line before the end, and then ends", async () => {
    const seen = await follow(async (log) => {
      for (let n = 0; n < 20; n++) {
        log.write("stdout", Buffer.from(`${n}\n`));
        await Bun.sleep(2);
      }
    });
    expect(seen).toEqual(["before\n", ...numbers(20)]);
  });

  test("loses nothing over rotations, however fast they come", async () => {
    const seen = await follow(
      async (log) => {
        for (let n = 0; n < 2000; n++) {
          log.write("stdout", Buffer.from(`${n}\n`));
          if (n % 40 === 0) await Bun.sleep(5);
        }
      },
      { maxSizeBytes: 4000, maxFiles: 10 },
    );
    expect(seen).toEqual(["before\n", ...numbers(2000)]);
  });

  test("notices that the only file started again", async () => {
    const seen = await follow(
      async (log) => {
        for (let n = 0; n < 40; n++) {
          log.write("stdout", Buffer.from(`${n}\n`));
          await Bun.sleep(10);
        }
      },
      { maxSizeBytes: 800, maxFiles: 1 },
    );
    expect(seen.at(-1)).toBe("39\n");
    expect(seen.length).toBeGreaterThan(30);
  });

  test("with --tail 0 gives only what is new", async () => {
    const seen = await follow(
      async (log) => {
        await Bun.sleep(20);
        log.write("stdout", Buffer.from("new\n"));
      },
      unlimited,
      0,
    );
    expect(seen).toEqual(["new\n"]);
  });

  test("waits for a file that is not there yet", async () => {
    const ended = Promise.withResolvers<void>();
    const reading = texts({ followUntil: ended.promise });
    await Bun.sleep(20);
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("late\n"));
    log.close();
    await Bun.sleep(20);
    ended.resolve();
    expect(await reading).toEqual(["late\n"]);
  });

  test("shows a line soon after it was written", async () => {
    const log = new LogWriter(target());
    log.write("stdout", Buffer.from("a\n"));
    const ended = Promise.withResolvers<void>();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const batch of readLog(path, { followUntil: ended.promise }))
        seen.push(performance.now(), batch.length);
    })();
    await Bun.sleep(50);
    const written = performance.now();
    log.write("stdout", Buffer.from("b\n"));
    await Bun.sleep(600);
    ended.resolve();
    await reading;
    log.close();
    expect((seen[2] ?? Number.POSITIVE_INFINITY) - written).toBeLessThan(300);
  });
});
