/**
 * Options of run and create about limits: memory, CPU, processes, rlimits, sysctls. What must fit together is
 * checked in check-config.ts.
 */
import { parseNanoDecimal, parseSwapBytes, renderBytes, renderNanoDecimal } from "../option-value.ts";
import {
  booleanOption,
  bytesOption,
  intOption,
  listOption,
  mapOption,
  member,
  oneWord,
  type RunOption,
  stringOption,
} from "../run-option.ts";
import { parseUlimit, renderUlimit } from "../ulimit-spec.ts";
import { checkCgroupConf, checkCpuset, checkSysctl } from "../value-check.ts";
import { blockIoOptions } from "./block-io.ts";

const memoryOptions: readonly RunOption[] = [
  bytesOption(
    { name: "memory", short: "m", aliases: ["memory-limit"], help: "Memory limit" },
    (draft, bytes) => {
      if (bytes > 0) draft.config.resources.memoryBytes = bytes;
    },
    (config) => config.resources.memoryBytes,
  ),
  bytesOption(
    { name: "memory-reservation", aliases: ["memory-soft-limit"], help: "Memory soft limit" },
    (draft, bytes) => {
      if (bytes > 0) draft.config.resources.memoryReservationBytes = bytes;
    },
    (config) => config.resources.memoryReservationBytes,
  ),
  {
    ...stringOption(
      {
        name: "memory-swap",
        aliases: ["memory-swap-limit"],
        placeholder: "bytes",
        help: "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
        toml: "size",
        check: parseSwapBytes,
      },
      (draft, text) => {
        const bytes = parseSwapBytes(text);
        if (bytes !== 0) draft.config.resources.memorySwapBytes = bytes;
      },
    ),
    render: ({ resources: { memorySwapBytes: bytes } }) =>
      bytes === undefined || bytes === -1 ? bytes : renderBytes(bytes),
  },
  bytesOption(
    {
      name: "kernel-memory",
      aliases: ["kernel-memory-limit"],
      help: "Kernel memory limit (gone from kernels: discarded with a warning)",
      scope: "client",
      toml: "none",
    },
    (draft, bytes) => {
      if (bytes > 0) draft.client.discards = [...draft.client.discards, "kernel memory limit"];
    },
    () => undefined,
  ),
  bytesOption(
    {
      name: "kernel-memory-tcp",
      aliases: ["kernel-memory-tcp-limit"],
      help: "Kernel memory limit of TCP buffers (cgroup v1)",
    },
    (draft, bytes) => {
      if (bytes > 0) draft.config.resources.kernelMemoryTcpBytes = bytes;
    },
    (config) => config.resources.kernelMemoryTcpBytes,
  ),
  intOption(
    { name: "memory-swappiness", help: "Tune container memory swappiness (0 to 100)", defaultText: "-1" },
    (draft, value) => {
      if (value !== -1) draft.config.resources.memorySwappiness = value;
    },
    (config) => config.resources.memorySwappiness,
  ),
  booleanOption(
    { name: "oom-kill-disable", help: "Disable OOM Killer" },
    (draft, value) => {
      if (value) draft.config.resources.oomKillDisable = true;
    },
    (config) => config.resources.oomKillDisable,
  ),
  stringOption(
    {
      name: "oom_kill_disable",
      help: "",
      hidden: true,
      toml: "none",
      scope: "client",
      check: checkZeroOrOne,
    },
    (draft, text) => {
      if (text === "1") draft.config.resources.oomKillDisable = true;
    },
  ),
  intOption(
    { name: "oom-score-adj", help: "Tune host's OOM preferences (-1000 to 1000)" },
    ...member("oomScoreAdj"),
  ),
];

const cpuOptions: readonly RunOption[] = [
  {
    ...stringOption({ name: "cpus", placeholder: "decimal", help: "Number of CPUs" }, () => {}),
    kind: "decimal",
    apply: (draft, raw) => {
      const nano = parseNanoDecimal(oneWord(raw));
      if (nano !== 0) draft.config.resources.nanoCpus = nano;
    },
    render: ({ resources: { nanoCpus } }) =>
      nanoCpus === undefined ? undefined : renderNanoDecimal(nanoCpus),
  },
  intOption(
    { name: "cpu-shares", short: "c", aliases: ["cpushare"], help: "CPU shares (relative weight)" },
    (draft, value) => {
      if (value !== 0) draft.config.resources.cpuShares = value;
    },
    (config) => config.resources.cpuShares,
  ),
  intOption(
    {
      name: "cpu-period",
      aliases: ["cpu-cfs-period"],
      help: "Limit CPU CFS (Completely Fair Scheduler) period",
    },
    (draft, value) => {
      if (value !== 0) draft.config.resources.cpuPeriodUs = value;
    },
    (config) => config.resources.cpuPeriodUs,
  ),
  intOption(
    {
      name: "cpu-quota",
      aliases: ["cpu-cfs-quota"],
      help: "Limit CPU CFS (Completely Fair Scheduler) quota",
    },
    (draft, value) => {
      if (value !== 0) draft.config.resources.cpuQuotaUs = value;
    },
    (config) => config.resources.cpuQuotaUs,
  ),
  intOption(
    { name: "cpu-rt-period", help: "Limit CPU real-time period in microseconds" },
    (draft, value) => {
      if (value !== 0) draft.config.resources.cpuRealtimePeriodUs = value;
    },
    (config) => config.resources.cpuRealtimePeriodUs,
  ),
  intOption(
    { name: "cpu-rt-runtime", help: "Limit CPU real-time runtime in microseconds" },
    (draft, value) => {
      if (value !== 0) draft.config.resources.cpuRealtimeRuntimeUs = value;
    },
    (config) => config.resources.cpuRealtimeRuntimeUs,
  ),
  stringOption(
    { name: "cpuset-cpus", aliases: ["cpuset"], help: "CPUs in which to allow execution (0-3, 0,1)" },
    (draft, text) => {
      if (text !== "") draft.config.resources.cpusetCpus = checkCpuset(text, "cpus");
    },
    (config) => config.resources.cpusetCpus,
  ),
  stringOption(
    { name: "cpuset-mems", aliases: ["cpumem"], help: "MEMs in which to allow execution (0-3, 0,1)" },
    (draft, text) => {
      if (text !== "") draft.config.resources.cpusetMems = checkCpuset(text, "mems");
    },
    (config) => config.resources.cpusetMems,
  ),
];

const otherOptions: readonly RunOption[] = [
  intOption(
    { name: "pids-limit", aliases: ["pids-max"], help: "Tune container pids limit (set -1 for unlimited)" },
    (draft, value) => {
      // docker takes whatever is no limit as "unlimited".
      draft.config.resources.pidsLimit = value <= 0 ? -1 : value;
    },
    (config) => config.resources.pidsLimit,
  ),
  listOption(
    { name: "ulimit", placeholder: "ulimit", help: "Ulimit options", defaultText: "[]", check: parseUlimit },
    (draft, words) => {
      const byName = new Map(words.map(parseUlimit).map((ulimit) => [ulimit.name, ulimit]));
      draft.config.ulimits = [...byName.values()];
    },
    (config) => config.ulimits.map(renderUlimit),
  ),
  mapOption(
    { name: "sysctl", placeholder: "map", help: "Sysctl options", defaultText: "map[]", check: checkSysctl },
    ...member("sysctls"),
  ),
  stringOption(
    { name: "cgroup-parent", help: "Optional parent cgroup for the container" },
    (draft, parent) => {
      if (parent.split("/").includes("..")) throw new Error(`invalid cgroup parent: ${parent}`);
      if (parent !== "") draft.config.cgroupParent = parent;
    },
    (config) => config.cgroupParent,
  ),
  stringOption(
    { name: "cgroupns", help: "Cgroup namespace to use (host|private)" },
    (draft, mode) => {
      if (mode !== "" && mode !== "host" && mode !== "private")
        throw new Error("--cgroupns: invalid CGROUP mode");
      if (mode === "host") draft.config.cgroupMode = mode;
    },
    (config) => config.cgroupMode,
  ),
  mapOption(
    {
      name: "cgroup-conf",
      placeholder: "map",
      help: "Write to a file of cgroup v2 (key=value), like memory.high=1073741824",
      defaultText: "map[]",
      check: checkCgroupConf,
    },
    (draft, files) => {
      if (Object.keys(files).length > 0) draft.config.resources.cgroupConf = files;
    },
    (config) => config.resources.cgroupConf,
  ),
];

export const resourceOptions: readonly RunOption[] = [
  ...memoryOptions,
  ...cpuOptions,
  ...blockIoOptions,
  ...otherOptions,
];

function checkZeroOrOne(text: string): void {
  if (text !== "0" && text !== "1") throw new Error("must be 0 or 1");
}
