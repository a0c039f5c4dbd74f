/**
 * config.json as it came out of JSON.parse, held to the runtime specification: types, ranges, absolute paths.
 *
 * What the values ask for is judged by src/launch; what they name on the host by load-bundle.ts. Follows
 * https://github.com/opencontainers/runtime-spec/blob/v1.2.0/schema and config.md, config-linux.md. Fields the
 * specification does not have are ignored, as it says.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecProcess, SpecResources, SpecRlimit } from "../spec/oci.ts";
import {
  absolutePath,
  boolean,
  int32,
  int64,
  integer,
  invalid,
  list,
  map,
  oneOf,
  record,
  string,
  uint16,
  uint32,
  uint64,
} from "./check-value.ts";

const strings = list(string);
const idMappings = list(
  record({ containerID: uint32, hostID: uint32, size: uint32 }, ["containerID", "hostID", "size"]),
);

const capabilities = record({
  bounding: strings,
  effective: strings,
  inheritable: strings,
  permitted: strings,
  ambient: strings,
});

const process = record(
  {
    terminal: boolean,
    consoleSize: record({ height: uint16, width: uint16 }, ["height", "width"]),
    user: record({ uid: uint32, gid: uint32, umask: uint32, additionalGids: list(uint32) }),
    args: strings,
    env: strings,
    cwd: absolutePath,
    capabilities,
    rlimits: list(record({ type: rlimitName, soft: uint64, hard: uint64 }, ["type", "soft", "hard"])),
    noNewPrivileges: boolean,
    apparmorProfile: string,
    selinuxLabel: string,
    oomScoreAdj: integer(-1000, 1000),
    scheduler: record(
      {
        policy: string,
        nice: int32,
        priority: int32,
        flags: strings,
        runtime: uint64,
        deadline: uint64,
        period: uint64,
      },
      ["policy"],
    ),
    ioPriority: record(
      { class: oneOf("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"), priority: int32 },
      ["class"],
    ),
    execCPUAffinity: record({ initial: string, final: string }),
  },
  ["cwd"],
);

const hook = record({ path: absolutePath, args: strings, env: strings, timeout: integer(1, 2 ** 31 - 1) }, [
  "path",
]);
const hooks = record({
  prestart: list(hook),
  createRuntime: list(hook),
  createContainer: list(hook),
  startContainer: list(hook),
  poststart: list(hook),
  poststop: list(hook),
});

const mount = record(
  {
    destination: absolutePath,
    type: string,
    source: string,
    options: strings,
    uidMappings: idMappings,
    gidMappings: idMappings,
  },
  ["destination"],
);

const device = record(
  {
    type: oneOf("c", "b", "u", "p"),
    path: absolutePath,
    major: int64,
    minor: int64,
    // With its type, as podman has it from stat(2): only the permissions count.
    fileMode: uint32,
    uid: uint32,
    gid: uint32,
  },
  ["type", "path"],
);

const weightDevice = record({ major: int64, minor: int64, weight: uint16, leafWeight: uint16 }, [
  "major",
  "minor",
]);
const throttleDevice = record({ major: int64, minor: int64, rate: uint64 }, ["major", "minor"]);

const resources = record({
  devices: list(
    record({ allow: boolean, type: oneOf("a", "b", "c"), major: int64, minor: int64, access: deviceAccess }, [
      "allow",
    ]),
  ),
  memory: record({
    limit: int64,
    reservation: int64,
    swap: int64,
    kernel: int64,
    kernelTCP: int64,
    swappiness: uint64,
    disableOOMKiller: boolean,
    useHierarchy: boolean,
    checkBeforeUpdate: boolean,
  }),
  cpu: record({
    shares: uint64,
    quota: int64,
    burst: uint64,
    period: uint64,
    realtimeRuntime: int64,
    realtimePeriod: uint64,
    cpus: string,
    mems: string,
    idle: int64,
  }),
  pids: record({ limit: int64 }, ["limit"]),
  blockIO: record({
    weight: uint16,
    leafWeight: uint16,
    weightDevice: list(weightDevice),
    throttleReadBpsDevice: list(throttleDevice),
    throttleWriteBpsDevice: list(throttleDevice),
    throttleReadIOPSDevice: list(throttleDevice),
    throttleWriteIOPSDevice: list(throttleDevice),
  }),
  hugepageLimits: list(record({ pageSize: string, limit: uint64 }, ["pageSize", "limit"])),
  network: record({
    classID: uint32,
    priorities: list(record({ name: string, priority: uint32 }, ["name", "priority"])),
  }),
  rdma: map(record({ hcaHandles: uint32, hcaObjects: uint32 })),
  unified: map(string),
});

const seccomp = record(
  {
    defaultAction: seccompAction,
    defaultErrnoRet: uint32,
    architectures: strings,
    flags: strings,
    listenerPath: string,
    listenerMetadata: string,
    syscalls: list(
      record(
        {
          names: list(string, { min: 1 }),
          action: seccompAction,
          errnoRet: uint32,
          args: list(
            record({ index: uint32, value: uint64, valueTwo: uint64, op: string }, ["index", "value", "op"]),
          ),
        },
        ["names", "action"],
      ),
    ),
  },
  ["defaultAction"],
);

const linux = record({
  namespaces: list(
    record(
      {
        type: oneOf("pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"),
        path: namespacePath,
      },
      ["type"],
    ),
  ),
  uidMappings: idMappings,
  gidMappings: idMappings,
  timeOffsets: map(record({ secs: int64, nanosecs: uint32 })),
  devices: list(device),
  cgroupsPath: string,
  resources,
  rootfsPropagation: string,
  seccomp,
  sysctl: map(string),
  maskedPaths: list(absolutePath),
  readonlyPaths: list(absolutePath),
  mountLabel: string,
  memoryPolicy: record({ mode: string, nodes: string, flags: strings }, ["mode"]),
  personality: record({ domain: oneOf("LINUX", "LINUX32"), flags: strings }, ["domain"]),
  intelRdt: record({ closID: string, l3CacheSchema: string, memBwSchema: string }),
});

const document = record(
  {
    ociVersion: string,
    process,
    root: record({ path: string, readonly: boolean }, ["path"]),
    hostname: string,
    domainname: string,
    mounts: list(mount),
    hooks,
    annotations: map(string),
    linux,
  },
  ["ociVersion"],
);

/**
 * The value as a Spec. The value is changed in place: nulls go, and limits written as 2^64-1 become the -1 that
 * planning knows as "no limit".
 * @throws BockerError with the JSON path of the first thing that is wrong
 */
export function checkSpec(value: unknown): Spec {
  document(value, "");
  const spec = value as Spec;
  checkVersion(spec.ociVersion);
  const platform = Object.keys(value as object).find((key) => foreignPlatforms.includes(key));
  if (platform !== undefined) invalid(platform, "this machine runs Linux containers only");
  if (spec.root === undefined) invalid("root", "it is missing");
  checkNamespaces(spec);
  normalizeLimits(spec.process);
  return spec;
}

/** A `process` section by itself, as `exec --process` takes it. */
export function checkProcess(value: unknown): SpecProcess {
  process(value, "");
  const found = value as SpecProcess;
  if (found.args?.[0] === undefined) invalid("args", "it is missing");
  normalizeLimits(found);
  return found;
}

/** A `resources` section by itself, as `update --resources` takes it. */
export function checkResources(value: unknown): SpecResources {
  resources(value, "");
  return value as SpecResources;
}

const foreignPlatforms = ["windows", "solaris", "vm", "zos"];

/** SemVer 2.0.0 with major version 1: later minor versions only add what may be ignored (spec.md, config.md#specification-version). */
function checkVersion(version: string): void {
  const match = /^(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.exec(version);
  if (match === null) invalid("ociVersion", `${JSON.stringify(version)} is not a version (expected 1.x.y)`);
  if (match[1] === "1") return;
  throw new BockerError(`unsupported ociVersion ${JSON.stringify(version)}: this runtime knows version 1`, {
    kind: "unsupported",
  });
}

/** Each kind once; an empty path is none. */
function checkNamespaces({ linux: section }: Spec): void {
  const seen = new Set<string>();
  for (const [at, namespace] of (section?.namespaces ?? []).entries()) {
    const { type } = namespace;
    if (namespace.path === "") delete (namespace as { path?: string }).path;
    if (seen.has(type)) invalid(`linux.namespaces[${at}].type`, `the ${type} namespace is listed twice`);
    seen.add(type);
  }
}

/** Go writes "no limit" as the largest uint64, which JSON.parse rounds up. */
function normalizeLimits(section: SpecProcess | undefined): void {
  type Writable = { -readonly [Key in keyof SpecRlimit]: SpecRlimit[Key] };
  const seen = new Set<string>();
  for (const [at, limit] of ((section?.rlimits ?? []) as Writable[]).entries()) {
    if (seen.has(limit.type)) invalid(`process.rlimits[${at}].type`, `${limit.type} is listed twice`);
    seen.add(limit.type);
    if (limit.soft >= 2 ** 63) limit.soft = -1;
    if (limit.hard >= 2 ** 63) limit.hard = -1;
  }
  if (section !== undefined) {
    const { uid = 0, gid = 0, ...others } = (section.user ?? {}) as Partial<SpecProcess["user"]>;
    (section as { user: SpecProcess["user"] }).user = { uid, gid, ...others };
  }
}

function rlimitName(value: unknown, path: string): void {
  string(value, path);
  if (!/^RLIMIT_[A-Z]+$/.test(value))
    invalid(path, `unknown value ${JSON.stringify(value)} (expected RLIMIT_…)`);
}

function deviceAccess(value: unknown, path: string): void {
  string(value, path);
  if (!/^[rwm]*$/.test(value)) invalid(path, `${JSON.stringify(value)} is not made of r, w and m`);
}

/** An empty path means a new namespace, in every runtime. */
function namespacePath(value: unknown, path: string): void {
  string(value, path);
  if (value !== "") absolutePath(value, path);
}

function seccompAction(value: unknown, path: string): void {
  string(value, path);
  if (!/^SCMP_ACT_[A-Z_]+$/.test(value))
    invalid(path, `unknown value ${JSON.stringify(value)} (expected SCMP_ACT_…)`);
}
