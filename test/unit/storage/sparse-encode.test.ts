/** Files with holes, in PAX format 1.0: our reader and GNU tar give back what went in, holes at the end included. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SparseRange } from "../../../src/storage/sparse-map.ts";
import { encodeSparseEntry, tarEndMark, tarPadding } from "../../../src/storage/tar-encode.ts";
import type { TarEntry } from "../../../src/storage/tar-entry.ts";
import { readTar } from "./tar-fixture.ts";

const time = { seconds: 1_700_000_000, nanoseconds: 0 };
const plain: TarEntry = {
  kind: "file",
  name: "dir/file",
  linkName: "",
  mode: 0o640,
  uid: 3,
  gid: 4,
  size: 0,
  modified: time,
  accessed: time,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

interface Case {
  readonly name?: string;
  readonly size: number;
  readonly ranges: readonly SparseRange[];
}

const cases: readonly Case[] = [
  { size: 5_000_000, ranges: [] },
  { size: 5_000_000, ranges: [{ offset: 0, length: 1024 }] },
  { size: 5_000_000, ranges: [{ offset: 4_999_999, length: 1 }] },
  {
    name: `${"long/".repeat(60)}file`,
    size: 9000,
    ranges: [
      { offset: 4096, length: 512 },
      { offset: 8192, length: 7 },
    ],
  },
  {
    size: 1 << 24,
    ranges: Array.from({ length: 200 }, (_, index) => ({ offset: index * 8192, length: 512 })),
  },
];

function archiveOf({ name = plain.name, size, ranges }: Case): { tar: Buffer; data: Buffer } {
  const data = Buffer.concat(ranges.map(({ length }, index) => Buffer.alloc(length, 65 + (index % 26))));
  const header = encodeSparseEntry({ ...plain, name, size }, ranges);
  return { tar: Buffer.concat([header, data, tarPadding(data.length), tarEndMark]), data };
}

test.each(cases)("%#: our reader", (sparse) => {
  const { tar, data } = archiveOf(sparse);
  const [member, second] = readTar(tar);
  expect(second).toBeUndefined();
  expect(member?.entry).toMatchObject({
    name: sparse.name ?? plain.name,
    mode: 0o640,
    uid: 3,
    gid: 4,
    modified: time,
  });
  expect(member?.entry.sparse).toMatchObject({ realSize: sparse.size });
  expect(member?.entry.sparse?.ranges.filter(({ length }) => length > 0)).toEqual([...sparse.ranges]);
  expect(member?.data.equals(data)).toBe(true);
});

test.each(cases)("%#: GNU tar", (sparse) => {
  const directory = mkdtempSync(join(tmpdir(), "bocker-sparse-"));
  try {
    writeFileSync(join(directory, "a.tar"), archiveOf(sparse).tar);
    const { exitCode, stderr } = Bun.spawnSync(["tar", "xf", "a.tar"], { cwd: directory, stderr: "pipe" });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    const whole = Buffer.alloc(sparse.size);
    for (const [index, { offset, length }] of sparse.ranges.entries())
      whole.fill(65 + (index % 26), offset, offset + length);
    expect(readFileSync(join(directory, sparse.name ?? plain.name)).equals(whole)).toBe(true);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
