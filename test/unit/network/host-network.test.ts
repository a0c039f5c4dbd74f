import { expect, test } from "bun:test";
import {
  hasInterface,
  loadLocalPortRange,
  parseRoutes,
  parseSocketPorts,
  routesOfDevice,
} from "../../../src/network/host-network.ts";
import { renderSubnet } from "../../../src/network/ip-address.ts";

test("routes are read from ip's JSON, defaults in any disguise and our own left out", () => {
  const json = JSON.stringify([
    { dst: "default", gateway: "192.0.2.1", dev: "eth0" },
    { dst: "0.0.0.0/1", dev: "tun0" },
    { dst: "192.0.2.0/24", dev: "eth0" },
    { dst: "10.8.0.5", dev: "tun0" },
    { type: "local", dst: "127.0.0.0/8", dev: "lo" },
    { dst: "172.30.0.0/24", dev: "bocker0" },
    { dst: "fd00::/64", dev: "eth0" },
    { dst: 7 },
    {},
  ]);
  const routes = parseRoutes(json, "bocker0").map(renderSubnet);
  expect(routes).toEqual(["192.0.2.0/24", "10.8.0.5/32", "127.0.0.0/8", "fd00::/64"]);
  expect(parseRoutes("")).toEqual([]);
  expect(parseRoutes("{}")).toEqual([]);
});

test("what is no list of routes is told in a line, and what is none in it is passed over", () => {
  expect(() => parseRoutes('[{"dst"')).toThrow('cannot read the routes that "ip -json route" lists: ');
  expect(parseRoutes('[null,1,"x",[],{"dst":7}]')).toEqual([]);
});

test("the kernel's route table is read in its byte order", () => {
  const table = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "bocker0\t00001EAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "bocker01\t00001FAC\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "",
  ].join("\n");
  expect(routesOfDevice(table, "bocker0")).toEqual(["172.30.0.0/24"]);
  expect(routesOfDevice(table, "bocker")).toEqual([]);
  expect(routesOfDevice(table, "eth0")).toEqual(["0.0.0.0/0"]);
});

test("ports of sockets are read, those that only wait for their end are not", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue",
    "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000",
    "   1: 0100007F:0050 0100007F:9999 06 00000000:00000000",
    "   2: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0",
    "",
  ].join("\n");
  expect(parseSocketPorts(table)).toEqual([8080, 22]);
});

test("looks at this host", () => {
  expect(hasInterface("lo")).toBe(true);
  expect(hasInterface("l")).toBe(false);
  const { first, last } = loadLocalPortRange();
  expect(first).toBeGreaterThan(0);
  expect(last).toBeGreaterThan(first);
});
