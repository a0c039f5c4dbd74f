import { describe, expect, test } from "bun:test";
import { parsePortMapping, parseSelector } from "../../../src/config/port-map-spec.ts";

describe("a mapping", () => {
  test.each([
    ["8080:172.30.0.2:80", { hostPort: 8080, protocol: "tcp", target: "172.30.0.2", targetPort: 80 }],
    ["8080:172.30.0.2", { hostPort: 8080, protocol: "tcp", target: "172.30.0.2", targetPort: 8080 }],
    [
      "127.0.0.1:53:web:5353/UDP",
      { hostIp: "127.0.0.1", hostPort: 53, protocol: "udp", target: "web", targetPort: 5353 },
    ],
    [
      "[::1]:80:[fd00::2]:81",
      { hostIp: "::1", hostPort: 80, protocol: "tcp", target: "fd00::2", targetPort: 81 },
    ],
  ] as const)("%s", (text, expected) => {
    expect<object>(parsePortMapping(text)).toEqual(expected);
  });

  test.each([
    ["8080", "no target"],
    ["", "use [ADDRESS:]PORT:TARGET"],
    ["x:web:80", "use [ADDRESS:]PORT:TARGET"],
    ["0:web:80", "0 is no port"],
    ["80:web:70000", "70000 is no port"],
    ["80:web:80/sctp", "invalid proto: sctp"],
    ["1.2.3:80:web", "invalid IP address: 1.2.3"],
    ["80:[web]:80", "invalid IP address: [web]"],
    ["80:fd00::2:80", "use [ADDRESS:]PORT:TARGET"],
  ])("%s is refused", (text, reason) => {
    expect(() => parsePortMapping(text)).toThrow(reason);
  });
});

test("what is to go may be a port alone", () => {
  expect(parseSelector("8080")).toEqual({ hostPort: 8080, protocol: "tcp" });
  expect(parseSelector("8080:web")).toEqual({ hostPort: 8080, protocol: "tcp", target: "web" });
});
