/**
 * Interfaces and routes inside the container's new network namespace, by the plain ioctls of netdevice(7): no tool
 * has to be in the image, and no netlink socket is needed.
 */
import type { InterfaceSetup, NetworkSetup } from "./context.ts";
import type { PlanBuilder } from "./plan-builder.ts";

/** `lo` up, then every interface: address before up, routes last. After "go": the interfaces must be there. */
export function planNetwork(builder: PlanBuilder, setup: NetworkSetup | undefined): void {
  const fd = builder.name("inet");
  builder.step("bringing up interface lo").add({ call: "socket", family: "AF_INET", keep: fd });
  bringUp(builder, fd, "lo");
  const interfaces = setup?.interfaces ?? [];
  for (const each of interfaces) planInterface(builder, fd, each);
  for (const { gateway } of interfaces) {
    if (gateway === undefined) continue;
    builder.step(`adding the default route via ${gateway}`);
    builder.add({ call: "ioctl", fd, request: "SIOCADDRT", gateway });
  }
  builder.add({ call: "close", fd });
  planInet6(builder, interfaces);
}

function planInterface(builder: PlanBuilder, fd: string, setup: InterfaceSetup): void {
  const { name } = setup;
  builder.step(`configuring interface ${name}`);
  if (setup.mac !== undefined) {
    builder.add({ call: "ioctl", fd, request: "SIOCSIFHWADDR", interface: name, mac: setup.mac });
  }
  if (setup.mtu !== undefined) {
    builder.add({ call: "ioctl", fd, request: "SIOCSIFMTU", interface: name, mtu: setup.mtu });
  }
  if (setup.address !== undefined) {
    const [address = "", prefix = "32"] = setup.address.split("/");
    builder.add(
      { call: "ioctl", fd, request: "SIOCSIFADDR", interface: name, address },
      { call: "ioctl", fd, request: "SIOCSIFNETMASK", interface: name, address: netmaskOf(Number(prefix)) },
    );
  }
  planIpv6Sysctls(builder, setup);
  bringUp(builder, fd, name);
}

/**
 * As docker has them: no IPv6 where no address was given, not even a link-local one; and one that was given is used at once,
 * beside nothing that a router on the link may announce. Before up, which would make addresses. Skipped by a kernel without.
 */
function planIpv6Sysctls(builder: PlanBuilder, { name, address6 }: InterfaceSetup): void {
  const values: Readonly<Record<string, string>> =
    address6 === undefined ? { disable_ipv6: "1" } : { disable_ipv6: "0", accept_dad: "0", accept_ra: "0" };
  for (const [key, value] of Object.entries(values)) {
    const fd = builder.name("sysctl");
    const path = `/proc/sys/net/ipv6/conf/${name}/${key}`;
    builder.step(`setting ${key} of interface ${name}`);
    builder.add(
      {
        call: "openat",
        dirfd: "AT_FDCWD",
        path,
        flags: ["O_WRONLY", "O_NOFOLLOW", "O_CLOEXEC"],
        keep: fd,
        ignore: ["ENOENT"],
      },
      { call: "write", fd, text: value },
      { call: "close", fd },
    );
  }
}

function planInet6(builder: PlanBuilder, interfaces: readonly InterfaceSetup[]): void {
  const wanted = interfaces.filter((setup) => setup.address6 !== undefined || setup.gateway6 !== undefined);
  if (wanted.length === 0) return;
  const fd = builder.name("inet6");
  builder.step("configuring IPv6").add({ call: "socket", family: "AF_INET6", keep: fd });
  for (const { name, address6, gateway6 } of wanted) {
    builder.step(`configuring IPv6 of interface ${name}`);
    if (address6 !== undefined) {
      const [address = "", prefix = "128"] = address6.split("/");
      builder.add({
        call: "ioctl",
        fd,
        request: "SIOCSIFADDR6",
        interface: name,
        address,
        prefix: Number(prefix),
      });
    }
    if (gateway6 !== undefined) {
      builder.add({ call: "ioctl", fd, request: "SIOCADDRT6", interface: name, gateway: gateway6 });
    }
  }
  builder.add({ call: "close", fd });
}

function bringUp(builder: PlanBuilder, fd: string, name: string): void {
  builder.add({
    call: "ioctl",
    fd,
    request: "SIOCSIFFLAGS",
    interface: name,
    // The call sets all that can be set: what is not named goes.
    flags: ["IFF_UP", "IFF_RUNNING", ...(name === "lo" ? [] : (["IFF_MULTICAST"] as const))],
  });
}

/** `255.255.0.0` for 16. */
export function netmaskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}
