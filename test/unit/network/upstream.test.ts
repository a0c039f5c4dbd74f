import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sockaddrIn } from "../../../ffi/inet-socket.ts";
import { encodeReplyPacket } from "../../../src/network/datagram-reply.ts";
import { upstreamServers } from "../../../src/network/upstream.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-upstream-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const addresses = (servers: () => readonly { readonly address: string }[]) =>
  servers().map(({ address }) => address);

test("the user's servers are the only ones", () => {
  expect(upstreamServers(["1.1.1.1", "fd00::1"])()).toEqual([
    { address: "1.1.1.1", port: 53 },
    { address: "fd00::1", port: 53 },
  ]);
});

test("the host's are those of its file, read again when it has changed", () => {
  const path = join(folder, "changing");
  writeFileSync(path, "nameserver 127.0.0.53\nnameserver fe80::1%eth0\n");
  const [servers, lazy] = [upstreamServers([], path, 0), upstreamServers([], path)];
  expect(addresses(servers)).toEqual(["127.0.0.53", "fe80::1%eth0"]);
  expect(addresses(lazy)).toEqual(["127.0.0.53", "fe80::1%eth0"]);
  writeFileSync(path, "nameserver 192.0.2.1\n");
  utimesSync(path, 1, 1);
  expect(addresses(servers)).toEqual(["192.0.2.1"]);
  expect(addresses(lazy)).toEqual(["127.0.0.53", "fe80::1%eth0"]);
});

test("a host without the file has docker's public ones", () => {
  expect(addresses(upstreamServers([], join(folder, "missing")))).toEqual(["8.8.8.8", "8.8.4.4"]);
});

test("an answer's packet comes from the resolver and goes to whoever asked", () => {
  const client = sockaddrIn("10.1.0.2", 40_000);
  const from = Uint8Array.of(127, 0, 0, 11);
  const { packet, to } = encodeReplyPacket(from, 53, client, Uint8Array.of(1, 2, 3));
  expect([...packet.subarray(12, 20)]).toEqual([127, 0, 0, 11, 10, 1, 0, 2]);
  // Ports, length with the header's eight bytes, no checksum, payload.
  expect([...packet.subarray(20)]).toEqual([0, 53, 0x9c, 0x40, 0, 11, 0, 0, 1, 2, 3]);
  expect([...to]).toEqual([2, 0, 0, 0, 10, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
});
