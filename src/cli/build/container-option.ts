/**
 * Options of `build` about the containers of RUN: run's own words where run has them, and what is given to all of them.
 */
import { statSync } from "node:fs";
import type { ContainerConfig } from "../../config/container-config.ts";
import { resolveRunRequest } from "../../config/resolve-config.ts";
import { runOptions } from "../../config/run-options.ts";
import type { Entitlement, RunSettings } from "../../engine/run-build.ts";
import type { CommandContext } from "../command-spec.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { unsupported, usage } from "./refused-option.ts";
import { readAgents, readSecrets } from "./secret-option.ts";

const networks = ["default", "none", "host"] as const;
const entitlements = ["network.host", "security.insecure"] as const;

/** Those of run that mean the same for the containers of RUN. */
const names: ReadonlySet<string> = new Set([
  ...["memory", "memory-swap", "cpu-period", "cpu-quota", "cpu-shares", "cpuset-cpus", "cpuset-mems"],
  ...["cgroup-parent", "ulimit", "shm-size", "add-host"],
  ...["cap-add", "cap-drop", "dns", "dns-search", "dns-option", "no-hosts", "volume"],
]);

/** Options of run that build has too, as run's help has them. */
export const containerOptions = runOptions.filter(({ name }) => names.has(name));

/** Throws kind `usage` and `unsupported`, and what secrets throw. */
export function readRunSettings(
  context: CommandContext,
  parsed: ParsedArguments,
  buildArgs: ReadonlyMap<string, string>,
): RunSettings {
  const layer = new Map([...parsed.raw].filter(([name]) => names.has(name)));
  const { config } = resolveRunRequest([layer], optionHostOf(context));
  const { capAdd, capDrop, dns, dnsSearch, dnsOptions, noHosts, mounts } = config;
  return {
    network: networkOf(parsed.string("network")),
    addHosts: config.addHosts,
    ulimits: config.ulimits,
    shmSizeBytes: parsed.has("shm-size") ? config.shmSizeBytes : undefined,
    resources: config.resources,
    cgroupParent: config.cgroupParent,
    container: {
      ...{ capAdd, capDrop, dns, dnsSearch, dnsOptions },
      ...(noHosts === undefined ? {} : { noHosts }),
      mounts: mounts.map(checkVolume),
    },
    hostname: buildArgs.get("BUILDKIT_SANDBOX_HOSTNAME") || undefined,
    secrets: readSecrets(parsed.list("secret"), context.env),
    agents: readAgents(parsed.list("ssh"), context.env),
    allowed: new Set(
      parsed
        .list("allow")
        .flatMap((word) => word.split(","))
        .map(entitlementOf),
    ),
  };
}

/** A build reads what is there: it makes no directories of the host, and keeps no volumes. */
function checkVolume(mount: ContainerConfig["mounts"][number]): ContainerConfig["mounts"][number] {
  if (mount.type !== "bind") {
    throw unsupported(
      `a volume that is no directory of the host, ${JSON.stringify(mount.target)},`,
      "name a path, as in -v /data:/data; RUN --mount=type=cache keeps files between builds",
    );
  }
  if (statSync(mount.source, { throwIfNoEntry: false }) === undefined) {
    throw usage(`invalid volume: ${mount.source}: no such file or directory`);
  }
  return mount;
}

function networkOf(text: string | undefined): RunSettings["network"] {
  const network = networks.find((known) => known === (text || "default"));
  if (network !== undefined) return network;
  if (text === "bridge" || text === "private") return "default";
  throw unsupported(`network mode ${JSON.stringify(text)}`, `it is one of ${networks.join(", ")}`);
}

function entitlementOf(text: string): Entitlement {
  const found = entitlements.find((known) => known === text);
  if (found !== undefined) return found;
  throw usage(`invalid entitlement: ${text}`, `it is one of ${entitlements.join(", ")}`);
}
