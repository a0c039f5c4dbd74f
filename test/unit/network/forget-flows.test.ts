/** Which of the kernel's UDP flows go to published ports: those to an address of the host, and no others. */
import { expect, test } from "bun:test";
import { parseInet, parseInet6 } from "../../../ffi/inet-address.ts";
import { flowsTo } from "../../../src/network/forget-flows.ts";

const local = ["127.0.0.1", "203.0.113.1", "::1", "2001:db8::1"];

const flow = (address: string, port: number) => ({
  destination: address.includes(":") ? parseInet6(address) : parseInet(address),
  port,
});

const cases = [
  { hostIp: "0.0.0.0", to: "203.0.113.1", port: 53, goes: true },
  { hostIp: "0.0.0.0", to: "203.0.113.1", port: 54, goes: false },
  // A container's own question, which the host only forwards.
  { hostIp: "0.0.0.0", to: "9.9.9.9", port: 53, goes: false },
  { hostIp: "0.0.0.0", to: "2001:db8::1", port: 53, goes: false },
  { hostIp: "::", to: "2001:db8::1", port: 53, goes: true },
  { hostIp: "::", to: "203.0.113.1", port: 53, goes: false },
  { hostIp: "203.0.113.1", to: "203.0.113.1", port: 53, goes: true },
  { hostIp: "203.0.113.1", to: "127.0.0.1", port: 53, goes: false },
  { hostIp: "2001:db8::1", to: "2001:db8::1", port: 53, goes: true },
] as const;

test.each(cases)(
  "published at $hostIp port 53, a flow to $to port $port: $goes",
  ({ hostIp, to, port, goes }) => {
    expect(flowsTo([{ hostIp, hostPort: 53 }], local)(flow(to, port))).toBe(goes);
  },
);
