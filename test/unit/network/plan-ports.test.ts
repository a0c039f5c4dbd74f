import { describe, expect, test } from "bun:test";
import { BockerError } from "../../../src/errors.ts";
import { type PortFacts, planPorts, portFailure } from "../../../src/network/plan-ports.ts";

const facts: PortFacts = {
  containerId: "c",
  target: { ip4: "172.30.0.2" },
  hasIpv6: true,
  range: { first: 32_768, last: 32_770 },
  isFree: () => true,
};
const tcp = { containerPort: 80, protocol: "tcp" } as const;

function plan(ports: Parameters<typeof planPorts>[0], changes: Partial<PortFacts> = {}): string[] {
  return planPorts(ports, { ...facts, ...changes }).map(
    (port) => `${port.hostIp} ${port.hostPort} > ${port.containerIp} ${port.containerPort}/${port.protocol}`,
  );
}

describe("planPorts", () => {
  test("no address is all addresses of both families", () => {
    expect(plan([{ ...tcp, hostPort: 8080 }])).toEqual([
      "0.0.0.0 8080 > 172.30.0.2 80/tcp",
      ":: 8080 > 172.30.0.2 80/tcp",
    ]);
    expect(plan([{ ...tcp, hostPort: 8080 }], { hasIpv6: false })).toEqual([
      "0.0.0.0 8080 > 172.30.0.2 80/tcp",
    ]);
    expect(plan([{ ...tcp, protocol: "sctp", hostPort: 1 }])).toEqual(["0.0.0.0 1 > 172.30.0.2 80/sctp"]);
  });

  test("a container with IPv6 is reached over it, by sctp too", () => {
    const target = { ip4: "172.30.0.2", ip6: "fd00::2" };
    expect(plan([{ ...tcp, protocol: "sctp", hostPort: 1 }], { target })).toEqual([
      "0.0.0.0 1 > 172.30.0.2 80/sctp",
      ":: 1 > fd00::2 80/sctp",
    ]);
    expect(plan([{ ...tcp, hostIp: "0:0::1", hostPort: 8080 }], { target })).toEqual([
      "::1 8080 > fd00::2 80/tcp",
    ]);
    expect(plan([{ ...tcp, hostIp: "::1", hostPort: 8080 }])).toEqual(["::1 8080 > 172.30.0.2 80/tcp"]);
  });

  test("a network's own address is for those that name none", () => {
    const hostBinding = "192.0.2.7";
    expect(plan([{ ...tcp, hostPort: 8080 }], { hostBinding })).toEqual([
      "192.0.2.7 8080 > 172.30.0.2 80/tcp",
    ]);
    expect(plan([{ ...tcp, hostIp: "127.0.0.1", hostPort: 8080 }], { hostBinding })).toEqual([
      "127.0.0.1 8080 > 172.30.0.2 80/tcp",
    ]);
  });

  test("a port that was chosen before stays", () => {
    const held = (containerPort: number, hostPort: number) => ({
      containerId: "c",
      hostIp: "0.0.0.0",
      hostPort,
      containerIp: "172.29.0.9",
      containerPort,
      protocol: "tcp" as const,
    });
    const changes = { held: [held(80, 32_770), held(81, 32_769)], isFree: () => false, hasIpv6: false };
    const ports = [
      { ...tcp, containerPort: 81, hostPort: 0 },
      { ...tcp, hostPort: 32_700, hostPortLast: 32_800 },
    ];
    expect(plan(ports, changes)).toEqual([
      "0.0.0.0 32769 > 172.30.0.2 81/tcp",
      "0.0.0.0 32770 > 172.30.0.2 80/tcp",
    ]);
    const others = [
      { ...tcp, hostPort: 0 },
      { ...tcp, hostPort: 0 },
    ];
    expect(() => plan(others, changes)).toThrow("all ports are allocated");
  });

  test("an address is that one", () => {
    expect(plan([{ ...tcp, hostIp: "127.0.0.1", hostPort: 8080 }])).toEqual([
      "127.0.0.1 8080 > 172.30.0.2 80/tcp",
    ]);
  });

  test("an open port is the lowest free one, the same in both families, never twice", () => {
    const isFree = (_protocol: string, port: number) => port !== 32_768;
    const ports = [
      { ...tcp, hostPort: 0 },
      { ...tcp, containerPort: 81, hostPort: 0 },
    ];
    expect(plan(ports, { isFree, hasIpv6: false })).toEqual([
      "0.0.0.0 32769 > 172.30.0.2 80/tcp",
      "0.0.0.0 32770 > 172.30.0.2 81/tcp",
    ]);
    expect(() => plan([...ports, { ...tcp, hostPort: 0 }], { isFree })).toThrow("all ports are allocated");
  });

  test("a range of host ports is chosen from", () => {
    const isFree = (_protocol: string, port: number) => port === 9002;
    const ports = [{ ...tcp, hostPort: 9000, hostPortLast: 9003 }];
    expect(plan(ports, { isFree, hasIpv6: false })).toEqual(["0.0.0.0 9002 > 172.30.0.2 80/tcp"]);
    expect(() => plan(ports, { isFree: () => false })).toThrow("all ports are allocated");
  });

  test("a fixed port is taken as it is: reserving it will tell", () => {
    expect(plan([{ ...tcp, hostPort: 80 }], { isFree: () => false, hasIpv6: false }).length).toBe(1);
  });
});

test("a failure has docker's sentence around it", () => {
  const failure = portFailure({ id: "abc", name: "web" }, new BockerError("Bind for 0.0.0.0:80 failed: no"));
  expect(failure.message).toBe(
    "failed to set up container networking: driver failed programming external connectivity on endpoint web (abc): " +
      "Bind for 0.0.0.0:80 failed: no",
  );
});
