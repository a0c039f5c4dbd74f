/**
 * Another interface for a container that runs, and one less: the link by `ip` outside, addresses and routes by `ip` inside
 * its network namespace, which the main thread enters for as long as that takes. No program of the container is run, and
 * no file of it opened.
 *
 * Both complete what a crash has left half done: the lease says what should be, the namespace what is.
 */
import { networkInterfaces } from "node:os";
import { applySteps } from "../host/apply-steps.ts";
import { runCommand, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { Endpoint } from "./default-route.ts";
import { hasInterface } from "./host-network.ts";
import { type ContainerInterface, planInterfaces, planLinks, planNames } from "./link.ts";
import { insideNamespace, type NetworkNamespace } from "./network-namespace.ts";

/**
 * Whether the container has the interface of an endpoint, set up. A veth pair without its address was left by a crash, and
 * is made anew.
 */
export function hasEndpoint(namespace: NetworkNamespace, { lease, network }: Endpoint): boolean {
  const { containerInterface: name, address } = lease;
  return insideNamespace(namespace, () => {
    if (!hasInterface(name)) return false;
    return (
      network.driver !== "bridge" ||
      networkInterfaces()[name]?.some((each) => each.address === address) === true
    );
  });
}

/** Makes the link of one of a container's endpoints and sets it up; `all` decide where the default route goes. */
export function attachEndpoint(
  namespace: NetworkNamespace,
  endpoint: Endpoint,
  all: readonly Endpoint[],
): void {
  const steps = planInside(endpoint, all);
  removeStaleLinks([endpoint]);
  applySteps(planLinks([endpoint], namespace.path));
  insideNamespace(namespace, () => applySteps([...planNames([endpoint]), ...steps]));
}

/**
 * Links of an earlier life of the container, whose namespace the kernel has not yet taken apart, or somebody else holds:
 * their names are made from the container's id, so that they are in the way and nobody else's.
 */
export function removeStaleLinks(endpoints: readonly Endpoint[]): void {
  for (const { lease } of endpoints) {
    // It may go by itself between the look and the deed.
    if (hasInterface(lease.hostInterface)) tryCommand(["ip", "link", "del", "dev", lease.hostInterface]);
  }
}

/** Takes the link of an endpoint away, if it is there; the default route goes to one of `rest`. */
export function detachEndpoint(
  namespace: NetworkNamespace,
  endpoint: Endpoint,
  rest: readonly Endpoint[],
): void {
  insideNamespace(namespace, () => {
    const name = endpoint.lease.containerInterface;
    if (hasInterface(name)) runCommand(["ip", "link", "del", "dev", name]);
    const lines = planInterfaces(rest)
      .filter((each) => hasInterface(each.name))
      .flatMap(routeLines);
    applySteps(ipStep("move the default route", lines));
  });
}

/** The steps inside; files are those of the namespace, since /proc/sys/net is of whoever looks. */
export function planInside(endpoint: Endpoint, all: readonly Endpoint[]): HostStep[] {
  const interfaces = planInterfaces(all);
  const name = endpoint.lease.containerInterface;
  const own = interfaces.find((each) => each.name === name);
  if (own === undefined) return [];
  const lines = [
    `addr add ${own.address} broadcast + dev ${name}`,
    ...(own.address6 === undefined ? [] : [`addr add ${own.address6} dev ${name} nodad`]),
    `link set dev ${name} up`,
    ...interfaces.flatMap(routeLines),
  ];
  return [...ipv6Steps(own), ...ipStep(`set up interface ${name}`, lines)];
}

function routeLines({ name, gateway, gateway6 }: ContainerInterface): string[] {
  return [gateway, gateway6].flatMap((via) =>
    via === undefined ? [] : [`route replace default via ${via} dev ${name}`],
  );
}

/** As at a start: no IPv6 where no address was given, and nothing that a router announces where one was. */
function ipv6Steps({ name, address6 }: ContainerInterface): HostStep[] {
  const values: Readonly<Record<string, string>> =
    address6 === undefined ? { disable_ipv6: "1" } : { disable_ipv6: "0", accept_ra: "0" };
  return Object.entries(values).map(([key, data]) => ({
    label: `set ${key} of interface ${name}`,
    kind: "write",
    path: `/proc/sys/net/ipv6/conf/${name}/${key}`,
    data,
    // A kernel without IPv6.
    ignore: ["ENOENT"],
  }));
}

function ipStep(label: string, lines: readonly string[]): HostStep[] {
  if (lines.length === 0) return [];
  return [{ label, kind: "command", argv: ["ip", "-batch", "-"], stdin: `${lines.join("\n")}\n` }];
}
