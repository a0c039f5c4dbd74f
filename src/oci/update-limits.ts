/**
 * `update`'s options, or its JSON, to the specification's resources. Pure.
 *
 * Limits that only make sense in pairs are completed from those the container has: a swap limit counts memory as well,
 * a CFS quota is one of a period.
 */
import type { SpecResources } from "../spec/oci.ts";
import { type OciOptions, usage } from "./option.ts";

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type Numbers = Record<string, number | string | undefined>;

const unsupported = ["l3-cache-schema", "mem-bw-schema"] as const;

/** What the flags ask for; empty when none was given. */
export function resourcesOfOptions(options: OciOptions): SpecResources {
  const rdt = unsupported.find((name) => options.has(name));
  if (rdt !== undefined) throw usage(`--${rdt} is not supported: there is no Intel RDT here`);
  const resources: Writable<SpecResources> = {};
  const memory = given({
    limit: bytes(options, "memory"),
    reservation: bytes(options, "memory-reservation"),
    swap: bytes(options, "memory-swap"),
    kernel: bytes(options, "kernel-memory"),
    kernelTCP: bytes(options, "kernel-memory-tcp"),
  });
  const cpu = given({
    period: options.integer("cpu-period"),
    quota: options.integer("cpu-quota"),
    burst: options.integer("cpu-burst"),
    shares: options.integer("cpu-share"),
    realtimePeriod: options.integer("cpu-rt-period"),
    realtimeRuntime: options.integer("cpu-rt-runtime"),
    idle: options.integer("cpu-idle"),
    cpus: options.value("cpuset-cpus"),
    mems: options.value("cpuset-mems"),
  });
  const pids = options.integer("pids-limit");
  const weight = options.integer("blkio-weight");
  if (memory !== undefined) resources.memory = memory;
  if (cpu !== undefined) resources.cpu = cpu;
  if (pids !== undefined) resources.pids = { limit: pids };
  if (weight !== undefined) resources.blockIO = { weight };
  return resources;
}

function given(fields: Numbers): Readonly<Record<string, never>> | undefined {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return set.length === 0 ? undefined : (Object.fromEntries(set) as Record<string, never>);
}

const unitOf: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
};

/** `100M` as well; -1 is no limit. */
function bytes(options: OciOptions, name: string): number | undefined {
  const text = options.value(name);
  if (text === undefined) return undefined;
  const match = /^(-1|\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  if (match === null) throw usage(`invalid value ${JSON.stringify(text)} for --${name}: not a size`);
  return Math.floor(Number(match[1]) * (unitOf[(match[2] ?? "").toLowerCase()] ?? 1));
}

/** What is written to the kernel: the limits asked for, with their other halves. */
export function completeResources(kept: SpecResources, asked: SpecResources): SpecResources {
  const { memory, cpu } = asked;
  const limit = kept.memory?.limit;
  const needsLimit = memory?.swap !== undefined && memory.limit === undefined && limit !== undefined;
  const hasBandwidth = cpu?.quota !== undefined || cpu?.period !== undefined;
  const { quota, period } = kept.cpu ?? {};
  return {
    ...asked,
    ...(memory === undefined ? {} : { memory: { ...(needsLimit ? { limit } : {}), ...memory } }),
    ...(cpu === undefined || !hasBandwidth
      ? {}
      : {
          cpu: {
            ...(quota === undefined ? {} : { quota }),
            ...(period === undefined ? {} : { period }),
            ...cpu,
          },
        }),
  };
}

/** What the container has from now on. */
export function mergeResources(kept: SpecResources, asked: SpecResources): SpecResources {
  const merged: Record<string, unknown> = { ...kept };
  for (const [key, value] of Object.entries(asked)) {
    const before = merged[key];
    const isObject = typeof value === "object" && !Array.isArray(value);
    merged[key] = isObject && typeof before === "object" ? { ...before, ...value } : value;
  }
  return merged as SpecResources;
}
