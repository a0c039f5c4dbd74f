/**
 * Networks, for `doctor`: the program `ip`, links that the kernel can make, forwarding, and the firewall, with the reasons
 * for the choice.
 */
import { openSync, readFileSync } from "node:fs";
import { closeQuietly } from "../../ffi/file.ts";
import { unshare } from "../../ffi/process.ts";
import { runCommand, tryCommand } from "../host/run-command.ts";
import { loadFirewall } from "../network/choose-firewall.ts";
import { hasIpv6 } from "../network/host-network.ts";
import { insideNamespace, openNetworkNamespace } from "../network/network-namespace.ts";
import type { DoctorHost, Finding, HostCheck } from "./doctor-finding.ts";

export const networkChecks: readonly HostCheck[] = [
  { name: "ip", look: checkIp },
  { name: "links", look: checkLinks },
  { name: "forwarding", look: checkForwarding },
  { name: "ipv6", look: checkIpv6 },
  { name: "firewall", look: checkFirewall },
  { name: "other firewalls", look: checkOthers },
];

const installHint = "install the package iproute2";

/** busybox's has no -batch, no -json, no bridge ports, and no links born in another namespace. */
function checkIp(): Finding {
  try {
    const { stdout, stderr } = tryCommand(["ip", "-V"]);
    const version = `${stdout}${stderr}`.trim().split("\n")[0] ?? "";
    if (version.includes("iproute2")) return { status: "ok", found: version };
    return {
      status: "fail",
      found: `busybox's, without -batch, -json and bridge_slave: bridge networks cannot be made`,
      hint: installHint,
    };
  } catch {
    return {
      status: "fail",
      found: "no such program: containers have --network none and host only",
      hint: installHint,
    };
  }
}

/** Made for real, in a network namespace that goes at once. */
function checkLinks(): Finding {
  if (checkIp().status === "fail") return { status: "warn", found: "not tried, for want of a program" };
  const lines = [
    "link add name probe type bridge",
    "link add name left master probe type veth peer name right",
  ];
  const problem = inFreshNamespace(() => {
    const result = tryCommand(["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
    return result.exitCode === 0 ? undefined : (result.stderr.trim().split("\n")[0] ?? "ip failed");
  });
  if (problem === undefined) return { status: "ok", found: "bridge, veth" };
  return {
    status: "fail",
    found: `a bridge with a veth pair cannot be made: ${problem}`,
    hint: "modprobe bridge veth, or build the kernel with CONFIG_BRIDGE and CONFIG_VETH",
  };
}

function inFreshNamespace<Result>(action: () => Result): Result {
  using home = openNetworkNamespace(process.pid);
  return insideNamespace(home, () => {
    unshare(CLONE_NEWNET);
    return action();
  });
}

const CLONE_NEWNET = 0x4000_0000;

/** bocker turns it on with the first bridge; all that can go wrong is that it may not. */
function checkForwarding(): Finding {
  const path = "/proc/sys/net/ipv4/ip_forward";
  if (readFileSync(path, "utf8").trim() === "1") return { status: "ok", found: "on" };
  try {
    closeQuietly(openSync(path, "r+"));
    return { status: "ok", found: "off, and turned on with the first network" };
  } catch {
    return { status: "fail", found: "off, and not ours to turn on", hint: "sysctl -w net.ipv4.ip_forward=1" };
  }
}

function checkIpv6(): Finding {
  if (hasIpv6()) return { status: "ok", found: "the host has it" };
  return { status: "ok", found: "the host has none: ports are published on IPv4 alone" };
}

function checkFirewall({ settings }: DoctorHost): Finding {
  const { firewall, reasons } = loadFirewall(settings.network);
  const found = `${firewall.name} (${reasons.join("; ")})`;
  if (firewall.name !== "userland" || settings.network.firewall === "userland")
    return { status: "ok", found };
  return {
    status: "warn",
    found: `${found}: containers reach nothing outside, and clients' addresses are hidden from them`,
    hint: "install the package nftables",
  };
}

/** docker's and ufw's policy is lifted for each bridge; firewalld is told of it. */
function checkOthers({ settings }: DoctorHost): Finding {
  const drops = commandSays(["iptables", "-w", "-S", "FORWARD"], "-P FORWARD DROP");
  const firewalld = commandSays(["firewall-cmd", "--state"], "running");
  const there = [
    ...(drops ? ["a FORWARD policy of DROP, lifted for bocker's bridges"] : []),
    ...(firewalld ? ['firewalld, with bocker\'s bridges in its zone "trusted"'] : []),
  ];
  if (there.length === 0) return { status: "ok", found: "none that drops what is forwarded" };
  const found = there.join("; ");
  if (settings.network.publishPolicy === "respect-host")
    return { status: "ok", found: `${found}; published ports pass the host's rules` };
  return {
    status: "warn",
    found: `${found}; published ports are open past the host's rules`,
    hint: 'publish-policy = "respect-host" in [network] lets the host\'s rules decide',
  };
}

function commandSays(argv: readonly string[], word: string): boolean {
  try {
    return runCommand(argv).stdout.includes(word);
  } catch {
    return false;
  }
}
