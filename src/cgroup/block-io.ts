/**
 * `linux.resources.blockIO` read into types: weights and throttles by device (config-linux.md#block-io).
 *
 * Pure. Unknown keys are an error: a limit must not get lost.
 */
import { BockerError } from "../errors.ts";

export interface DeviceAmount {
  readonly major: number;
  readonly minor: number;
  readonly amount: number;
}

export interface BlockIo {
  readonly weight?: number;
  readonly weightDevices: readonly DeviceAmount[];
  readonly readBps: readonly DeviceAmount[];
  readonly writeBps: readonly DeviceAmount[];
  readonly readIops: readonly DeviceAmount[];
  readonly writeIops: readonly DeviceAmount[];
}

const lists = {
  weightDevice: ["weightDevices", "weight"],
  throttleReadBpsDevice: ["readBps", "rate"],
  throttleWriteBpsDevice: ["writeBps", "rate"],
  throttleReadIOPSDevice: ["readIops", "rate"],
  throttleWriteIOPSDevice: ["writeIops", "rate"],
} as const;

/** Types what the specification leaves open as JSON. Throws for keys and shapes it does not know. */
export function parseBlockIo(json: Readonly<Record<string, unknown>>): BlockIo {
  const unknown = Object.keys(json).find((key) => key !== "weight" && !Object.hasOwn(lists, key));
  if (unknown !== undefined) throw invalid(unknown, "not supported");
  const { weight } = json;
  if (weight !== undefined && weight !== null && !isAmount(weight))
    throw invalid("weight", "expected a number");
  const list = (key: keyof typeof lists): readonly DeviceAmount[] =>
    deviceAmounts(json[key], key, lists[key][1]);
  return {
    ...(isAmount(weight) && weight > 0 ? { weight } : {}),
    weightDevices: list("weightDevice"),
    readBps: list("throttleReadBpsDevice"),
    writeBps: list("throttleWriteBpsDevice"),
    readIops: list("throttleReadIOPSDevice"),
    writeIops: list("throttleWriteIOPSDevice"),
  };
}

function deviceAmounts(value: unknown, key: string, amountKey: string): readonly DeviceAmount[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw invalid(key, "expected a list");
  return value.map((entry: unknown) => {
    const fields = (typeof entry === "object" && entry !== null ? entry : {}) as Readonly<
      Record<string, unknown>
    >;
    const { major, minor, [amountKey]: amount } = fields;
    if (!isAmount(major) || !isAmount(minor) || !isAmount(amount)) {
      throw invalid(key, `expected major, minor and ${amountKey}`);
    }
    return { major, minor, amount };
  });
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(key: string, reason: string): BockerError {
  return new BockerError(`invalid block I/O limit "${key}": ${reason}`, { kind: "invalid-config" });
}
