/**
 * What must fit together in one ContainerConfig: checks over several options. Pure.
 *
 * Phrases and limits are docker's daemon's (daemon_unix.go verifyPlatformContainerResources, runconfig). What needs
 * to know the host (how many CPUs, which controllers) is checked where it is applied.
 */
import type { ClientOptions } from "./client-options.ts";
import type { ContainerConfig, NetworkConfig, ResourceConfig } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";
import type { RunDraft } from "./run-option.ts";

const minimumMemoryBytes = 6 * 1024 * 1024;

type Check = (draft: RunDraft) => string | false | undefined;

/** The first thing that cannot be, as Error(reason), as an EngineRefusal where it is docker's daemon that says so. */
export function checkRun(draft: RunDraft): void {
  const found = (checks: readonly Check[]) => checks.map((check) => check(draft)).find(Boolean);
  const problem = found(clientChecks);
  if (problem) throw new Error(problem);
  const refusal = found(engineChecks);
  if (refusal) throw new EngineRefusal(refusal);
}

/** What is allowed and does not do what it seems to; docker prints these and goes on. */
export function warningsFor(config: ContainerConfig, { discards }: ClientOptions): readonly string[] {
  const isHost = config.networks.some(({ name }) => name === "host");
  const { oomKillDisable, memoryBytes } = config.resources;
  const loopback = config.dns.find((address) => /^127\.|^::1$/.test(address));
  const hangs = oomKillDisable && memoryBytes === undefined;
  return [
    ...(hangs
      ? ["Disabling the OOM killer on containers without setting a '-m/--memory' limit may be dangerous."]
      : []),
    ...discards.map((what) => `Kernels have no ${what} any more. Limitation discarded.`),
    ...(loopback === undefined ? [] : [`Localhost DNS setting (--dns=${loopback}) may fail in containers.`]),
    ...(isHost && config.ports.length > 0
      ? ["Published ports are discarded when using host network mode"]
      : []),
  ];
}

const clientChecks: readonly Check[] = [
  ({ config }) =>
    config.autoRemove &&
    config.restart !== undefined &&
    "conflicting options: cannot specify both --restart and --rm",
  ({ config, logOptions }) =>
    config.log.driver === "none" && logOptions.length > 0 && "invalid logging opts for driver none",
  ({ config, client }) =>
    client.replace && config.name === undefined && "cannot replace container without --name being set",
  ({ config }) => checkNetworks(config),
  ({ config }) => checkSwappiness(config.resources),
  ({ config }) =>
    config.noHosts === true &&
    config.addHosts.length > 0 &&
    "--no-hosts and --add-host cannot be set together",
];

const engineChecks: readonly Check[] = [
  ({ config }) => checkLog(config),
  ({ config }) => checkMemory(config.resources),
  ({ config }) => checkSwap(config.resources),
  ({ config }) => checkCpu(config.resources),
  ({ config }) => checkNumbers(config),
  ({ config }) => checkEndpoints(config),
  ({ config }) => checkSharedNetwork(config),
  ({ config }) => checkSysctls(config),
  ({ config }) =>
    config.utsMode === "host" &&
    (config.hostname ?? config.domainname) !== undefined &&
    "conflicting options: hostname and the UTS mode",
];

const everyDriversOptions: readonly string[] = ["max-file", "max-size", "mode"];
const k8sFileOptions: readonly string[] = ["path"];

function checkLog({ log }: ContainerConfig): string | undefined {
  const isKnown = (key: string): boolean =>
    everyDriversOptions.includes(key) || k8sFileOptions.includes(key) === (log.driver === "k8s-file");
  const unknown = Object.keys(log.options ?? {}).find((key) => !isKnown(key));
  return unknown === undefined ? undefined : `unknown log opt '${unknown}' for ${log.driver} log driver`;
}

function checkMemory(resources: ResourceConfig): string | undefined {
  const { memoryBytes: memory, memoryReservationBytes: reservation } = resources;
  if (memory !== undefined && memory < minimumMemoryBytes) return "Minimum memory limit allowed is 6MB";
  if (reservation === undefined) return undefined;
  if (reservation < minimumMemoryBytes) return "Minimum memory reservation allowed is 6MB";
  if (memory !== undefined && memory < reservation) {
    return "Minimum memory limit can not be less than memory reservation limit, see usage";
  }
  return undefined;
}

function checkSwap(resources: ResourceConfig): string | undefined {
  const { memoryBytes: memory, memorySwapBytes: swap } = resources;
  if (swap !== undefined && swap > 0) {
    if (memory === undefined)
      return "You should always set the Memory limit when using Memoryswap limit, see usage";
    if (swap < memory) return "Minimum memoryswap limit should be larger than memory limit, see usage";
  }
  return undefined;
}

function checkSwappiness({ memorySwappiness: swappiness }: ResourceConfig): string | undefined {
  return swappiness !== undefined && (swappiness < 0 || swappiness > 100)
    ? `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`
    : undefined;
}

function checkCpu(resources: ResourceConfig): string | undefined {
  const { nanoCpus, cpuPeriodUs: period, cpuQuotaUs: quota, cpuShares: shares } = resources;
  if (nanoCpus !== undefined) {
    if (period !== undefined) return "Conflicting options: Nano CPUs and CPU Period cannot both be set.";
    if (quota !== undefined) return "Conflicting options: Nano CPUs and CPU Quota cannot both be set.";
    if (nanoCpus < 10_000_000) return "Range of CPUs is from 0.01 to the number of CPUs";
  }
  if (shares !== undefined && shares < 0)
    return `invalid CPU shares (${shares}): value must be a positive integer`;
  if (period !== undefined && (period < 1000 || period > 1_000_000)) {
    return "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)";
  }
  const { cpuRealtimePeriodUs, cpuRealtimeRuntimeUs } = resources;
  if ((cpuRealtimeRuntimeUs ?? 0) > (cpuRealtimePeriodUs ?? Number.POSITIVE_INFINITY))
    return "cpu real-time runtime cannot be higher than cpu real-time period";
  // A negative quota is cgroup's word for none.
  if (quota !== undefined && quota > 0 && quota < 1000)
    return "CPU cfs quota cannot be less than 1ms (i.e. 1000)";
  return undefined;
}

function checkNumbers({ oomScoreAdj }: ContainerConfig): string | undefined {
  if (oomScoreAdj !== undefined && (oomScoreAdj < -1000 || oomScoreAdj > 1000)) {
    return `Invalid value ${oomScoreAdj}, range for oom score adj is [-1000, 1000]`;
  }
  return undefined;
}

/** Networks that stand alone: the container has the host's, another's, or none. */
function isMode(name: string): boolean {
  return name === "host" || name === "none" || name.startsWith("container:");
}

function checkNetworks({ networks }: ContainerConfig): string | undefined {
  if (networks.length > 1 && networks.some(({ name }) => isMode(name))) {
    return "conflicting options: cannot attach both user-defined and non-user-defined network-modes";
  }
  const names = networks.map(({ name }) => name);
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  return repeated === undefined
    ? undefined
    : `network ${JSON.stringify(repeated)} is specified multiple times`;
}

/** What only a bridge has. */
function checkEndpoints({ networks }: ContainerConfig): string | undefined {
  if (networks.some(({ name, aliases }) => isMode(name) && aliases.length > 0))
    return "network-scoped aliases are only supported for user-defined networks";
  const isFixed = ({ ip, ip6 }: NetworkConfig) => ip !== undefined || ip6 !== undefined;
  if (networks.some((network) => ["host", "none"].includes(network.name) && isFixed(network)))
    return "user specified IP address is supported on user defined networks only";
  const linked = networks.find(({ name, links = [] }) => isMode(name) && links.length > 0);
  if (linked === undefined) return undefined;
  const type = linked.name.startsWith("container:") ? "container" : linked.name;
  const words = type === "container" ? "container type network" : `${type} type networking`;
  return `conflicting options: ${words} can't be used with links. This would result in undefined behavior`;
}

function checkSharedNetwork(config: ContainerConfig): string | undefined {
  if (!config.networks[0]?.name.startsWith("container:")) return undefined;
  if (config.hostname !== undefined) return "conflicting options: hostname and the network mode";
  if (config.dns.length > 0) return "conflicting options: dns and the network mode";
  if (config.addHosts.length > 0)
    return "conflicting options: custom host-to-IP mapping and the network mode";
  if (config.ports.length > 0 || config.publishAll)
    return "conflicting options: port publishing and the container type network mode";
  if ((config.expose ?? []).length > 0)
    return "conflicting options: port exposing and the container type network mode";
  return undefined;
}

function checkSysctls({ sysctls, networks, ipcMode }: ContainerConfig): string | undefined {
  for (const key of Object.keys(sysctls)) {
    if (key.startsWith("net.") && networks[0]?.name === "host") {
      return `sysctl "${key}" not allowed in host network namespace`;
    }
    if (!key.startsWith("net.") && ipcMode === "host")
      return `sysctl "${key}" not allowed in host ipc namespace`;
  }
  return undefined;
}
