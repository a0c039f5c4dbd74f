/**
 * A CDI file's content, checked: what is used of it has the right shape. Pure.
 */
import type { CdiEdits, CdiFile } from "../spec/cdi.ts";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string" && value !== "";
/** The kernel takes 32 bits of ids, modes and device numbers, and would make another number of more. */
const isNumber: Check = (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isPath: Check = (value) => typeof value === "string" && value.startsWith("/");

interface Shape {
  readonly [key: string]: { readonly check: Check; readonly required?: true };
}

const nodeShape: Shape = {
  path: { check: isPath, required: true },
  hostPath: { check: isPath },
  type: { check: (value) => typeof value === "string" && ["b", "c", "u", "p"].includes(value) },
  major: { check: isNumber },
  minor: { check: isNumber },
  fileMode: { check: isNumber },
  permissions: { check: (value) => typeof value === "string" && /^[rwm]{1,3}$/.test(value) },
  uid: { check: isNumber },
  gid: { check: isNumber },
};

const mountShape: Shape = {
  hostPath: { check: isText, required: true },
  containerPath: { check: isPath, required: true },
  type: { check: isText },
  options: { check: listOf(isText) },
};

const hookShape: Shape = {
  hookName: { check: isText, required: true },
  path: { check: isPath, required: true },
  args: { check: listOf((value) => typeof value === "string") },
  env: { check: listOf((value) => typeof value === "string") },
  timeout: { check: isNumber },
};

/** Throws Error(reason) with the place that is wrong. */
export function parseCdiFile(value: unknown): CdiFile {
  const file = fieldsOf(value, "the file");
  if (!isText(file.cdiVersion)) throw wrong("cdiVersion");
  if (typeof file.kind !== "string" || !/^[A-Za-z][\w.-]*\/[A-Za-z][\w.-]*$/.test(file.kind))
    throw wrong("kind");
  if (!Array.isArray(file.devices)) throw wrong("devices");
  const devices = file.devices.map((each, index) => {
    const device = fieldsOf(each, `devices[${index}]`);
    if (typeof device.name !== "string" || device.name === "") throw wrong(`devices[${index}].name`);
    const edits = parseEdits(device.containerEdits, `devices[${index}].containerEdits`);
    return { name: device.name, containerEdits: edits };
  });
  const containerEdits = parseEdits(file.containerEdits, "containerEdits");
  return { cdiVersion: String(file.cdiVersion), kind: file.kind, devices, containerEdits };
}

/** What is of another shape than the specification's, or not known and would change what a container gets, is refused. */
function parseEdits(value: unknown, at: string): CdiEdits {
  if (value === undefined || value === null) return {};
  const edits = fieldsOf(value, at);
  const known = ["env", "deviceNodes", "mounts", "hooks", "additionalGids"];
  const unknown = Object.keys(edits).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${at}.${unknown} is not supported`);
  if (
    !isAbsentOr(
      listOf((word) => typeof word === "string" && word.includes("=")),
      edits.env,
    )
  )
    throw wrong(`${at}.env`);
  if (!isAbsentOr(listOf(isNumber), edits.additionalGids)) throw wrong(`${at}.additionalGids`);
  checkList(edits.deviceNodes, `${at}.deviceNodes`, nodeShape);
  checkList(edits.mounts, `${at}.mounts`, mountShape);
  checkList(edits.hooks, `${at}.hooks`, hookShape);
  return Object.fromEntries(Object.entries(edits).filter(([, each]) => each !== null)) as CdiEdits;
}

function checkList(value: unknown, at: string, shape: Shape): void {
  if (value === undefined || value === null) return;
  if (!Array.isArray(value)) throw wrong(at);
  for (const [index, each] of value.entries()) {
    const fields = fieldsOf(each, `${at}[${index}]`);
    for (const [key, { check, required }] of Object.entries(shape)) {
      const isThere = fields[key] !== undefined;
      if (isThere ? !check(fields[key]) : required === true) throw wrong(`${at}[${index}].${key}`);
    }
  }
}

function isAbsentOr(check: Check, value: unknown): boolean {
  return value === undefined || value === null || check(value);
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(at);
}

function wrong(at: string): Error {
  return new Error(`${at} is missing or not what a CDI file has there`);
}
