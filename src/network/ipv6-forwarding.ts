/**
 * Letting the host forward IPv6 without losing its own way out.
 *
 * A kernel that forwards ignores router advertisements, so that a host with its default route from one loses it after a
 * while; accept_ra of 2 says that it is to listen all the same (kernel Documentation/networking/ip-sysctl.rst).
 */
import { readdirSync } from "node:fs";
import type { HostStep } from "../host/step.ts";
import { readText } from "./host-network.ts";

const conf = "/proc/sys/net/ipv6/conf";

/** The steps; none where it forwards already. Throws nothing: a host without IPv6 fails at the write, by name. */
export function planIpv6Forwarding(): HostStep[] {
  if (readText(`${conf}/all/forwarding`).startsWith("1")) return [];
  const listening = interfaces().filter((name) => readText(`${conf}/${name}/accept_ra`).startsWith("1"));
  return [
    ...listening.map(
      (name): HostStep => ({
        label: `let "${name}" go on listening to router advertisements`,
        kind: "write",
        path: `${conf}/${name}/accept_ra`,
        data: "2",
      }),
    ),
    { label: "let the host forward IPv6", kind: "write", path: `${conf}/all/forwarding`, data: "1" },
  ];
}

function interfaces(): string[] {
  try {
    return readdirSync(conf).filter((name) => name !== "all");
  } catch {
    return [];
  }
}
