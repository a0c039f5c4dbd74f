/**
 * `--gpus`: docker's grammar (docker/cli opts/gpus.go), and back. Pure.
 */
import { parseCsvFields } from "./csv-fields.ts";

export interface GpuRequest {
  /** As it was written. */
  readonly text: string;
  /** `nvidia`; absent: whose there are. */
  readonly driver?: string;
  readonly count: number | "all";
  /** Instead of a count; numbers or names that a CDI file has. */
  readonly ids: readonly string[];
}

/** `all`, a number, or fields: `"device=0,1",driver=nvidia,capabilities=gpu`. Throws Error(reason). */
export function parseGpus(text: string): GpuRequest {
  let request: GpuRequest = { text, count: 1, ids: [] };
  const seen = new Set<string>();
  for (const { key, value, text: word } of parseCsvFields(text)) {
    const name = value === undefined ? "count" : key;
    if (seen.has(name)) throw new Error(`gpu request key '${name}' can be specified only once`);
    seen.add(name);
    request = { ...request, ...readField(name, value ?? word) };
  }
  if (seen.has("count") && seen.has("device"))
    throw new Error("cannot set both Count and DeviceIDs on device request");
  return request;
}

function readField(key: string, value: string): Partial<GpuRequest> {
  switch (key) {
    case "count":
      return { count: parseCount(value) };
    case "device":
      return { ids: value.split(",") };
    case "driver":
      return { driver: value };
    case "capabilities":
      checkCapabilities(value);
      return {};
    default:
      throw new Error(`unexpected key '${key}' in '${key}=${value}'`);
  }
}

function parseCount(text: string): number | "all" {
  if (text === "all" || text === "-1") return "all";
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`invalid count (${text}): value must be either "all" or an integer`);
}

/** A CDI file gives all that a device can do. */
function checkCapabilities(text: string): void {
  const unknown = text
    .split(",")
    .find((word) => !["gpu", "nvidia", "compute", "utility", "graphics", "video", "display"].includes(word));
  if (unknown !== undefined)
    throw new Error(`cannot honour the capability ${JSON.stringify(unknown)} of --gpus`);
}
