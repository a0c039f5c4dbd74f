import { describe, expect, test } from "bun:test";
import { renderPorts } from "../../../src/cli/port-column.ts";
import type { PortRecord } from "../../../src/state/record.ts";

function port(hostPort: number, containerPort: number, changes: Partial<PortRecord> = {}): PortRecord {
  return {
    containerId: "c",
    hostIp: "0.0.0.0",
    hostPort,
    containerIp: "10.0.0.2",
    containerPort,
    protocol: "tcp",
    ...changes,
  };
}

describe("the PORTS column, as docker prints it", () => {
  test.each([
    [[], [], ""],
    [[port(8080, 80)], [], "0.0.0.0:8080->80/tcp"],
    [[port(8080, 80, { hostIp: "::1" })], [], "[::1]:8080->80/tcp"],
    [[port(8080, 80)], ["80/tcp", "443"], "443/tcp, 0.0.0.0:8080->80/tcp"],
    [[], ["90-92/udp", "94/udp"], "90-92/udp, 94/udp"],
    [
      [port(81, 81), port(80, 80), port(80, 80, { hostIp: "::" }), port(81, 81, { hostIp: "::" })],
      [],
      "0.0.0.0:80-81->80-81/tcp, [::]:80-81->80-81/tcp",
    ],
    [
      [port(80, 80), port(81, 81), port(83, 83), port(9000, 82), port(53, 53, { protocol: "udp" })],
      [],
      "0.0.0.0:80-81->80-81/tcp, 0.0.0.0:53->53/udp, 0.0.0.0:83->83/tcp, 0.0.0.0:9000->82/tcp",
    ],
    [
      [port(8001, 80), port(8000, 80), port(8000, 80, { hostIp: "::" })],
      [],
      "0.0.0.0:8000->80/tcp, 0.0.0.0:8001->80/tcp, [::]:8000->80/tcp",
    ],
  ] as const)("%#", (ports, exposed, text) => {
    expect<string>(renderPorts(ports, exposed)).toBe(text);
  });
});
