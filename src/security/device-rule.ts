/**
 * Device access rules: docker's default list, the lines cgroup v1 takes and what a rule matches.
 *
 * Pure. The v2 side, an eBPF program, is device-program.ts. A rule list is read in order and the last match decides,
 * as in devices.allow and devices.deny; see Documentation/admin-guide/cgroup-v1/devices.rst.
 */

/** The runtime spec's `linux.resources.devices` entry; no major or minor: any. */
export interface DeviceRule {
  readonly allow: boolean;
  /** Absent: all of them. */
  readonly type?: "a" | "c" | "b";
  readonly major?: number;
  readonly minor?: number;
  /** Some of `r`, `w`, `m`; absent: all. */
  readonly access?: string;
}

export const denyAllDevices: DeviceRule = { allow: false, access: "rwm" };
export const allowAllDevices: DeviceRule = { allow: true, access: "rwm" };

/** Any node may be made (mknod), the harmless ones used, terminals too: docker's list with runc's. */
export function defaultDeviceRules(): readonly DeviceRule[] {
  return [
    denyAllDevices,
    { allow: true, type: "c", access: "m" },
    { allow: true, type: "b", access: "m" },
    ...harmlessDevices.map(([major, minor]) => characterDevice(major, minor)),
    { allow: true, type: "c", major: pseudoTerminalMajor, access: "rwm" },
  ];
}

/** null, zero, full, random, urandom, tty, console and ptmx: Documentation/admin-guide/devices.txt. */
const harmlessDevices = [
  [1, 3],
  [1, 5],
  [1, 7],
  [1, 8],
  [1, 9],
  [5, 0],
  [5, 1],
  [5, 2],
] as const;

/** Unix98 pty slaves, /dev/pts/N. */
const pseudoTerminalMajor = 136;

function characterDevice(major: number, minor: number): DeviceRule {
  return { allow: true, type: "c", major, minor, access: "rwm" };
}

/** A write to one of the v1 controller's files. */
export interface DeviceWrite {
  readonly file: "devices.allow" | "devices.deny";
  readonly line: string;
}

/**
 * The writes that make a cgroup v1 hold these rules. A leading deny-all is one write of `a`, which also empties the
 * list; without it the cgroup starts with what its parent allows.
 */
export function deviceWrites(rules: readonly DeviceRule[]): readonly DeviceWrite[] {
  return rules.map((rule) => ({
    file: rule.allow ? "devices.allow" : "devices.deny",
    line: matchesAll(rule) ? "a" : renderDeviceRule(rule),
  }));
}

/** `c 1:3 rwm`, any number as `*`. */
export function renderDeviceRule(rule: DeviceRule): string {
  const type = rule.type ?? "a";
  return `${type} ${numberOrStar(rule.major)}:${numberOrStar(rule.minor)} ${rule.access ?? "rwm"}`;
}

/** True for a rule about every access to every device. */
export function matchesAll(rule: DeviceRule): boolean {
  const { access = "rwm" } = rule;
  const isEveryDevice = (rule.type ?? "a") === "a" && isAny(rule.major) && isAny(rule.minor);
  return isEveryDevice && access.includes("r") && access.includes("w") && access.includes("m");
}

/** The spec writes "any" as absent or as a negative number. */
export function isAny(number: number | undefined): boolean {
  return number === undefined || number < 0;
}

function numberOrStar(number: number | undefined): string {
  return isAny(number) ? "*" : String(number);
}
