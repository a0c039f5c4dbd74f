/**
 * The CDI files of this host, and the devices that --device vendor/class=name and --gpus ask of them.
 *
 * Read at each start of a container that asks, so that a file that a driver writes anew counts at once. A file of
 * /var/run/cdi wins over one of /etc/cdi; the same device twice in one folder is an error for who asks for it.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ContainerConfig } from "../config/container-config.ts";
import type { GpuRequest } from "../config/gpu-spec.ts";
import { BockerError, messageOf } from "../errors.ts";
import { readBounded } from "../host/read-bounded.ts";
import { applyCdiEdits, type CdiEdits, type CdiFile } from "../spec/cdi.ts";
import type { Spec } from "../spec/oci.ts";
import { findDevice } from "./host-device.ts";
import { parseCdiFile } from "./parse-cdi-file.ts";

interface Found {
  readonly path: string;
  readonly file: CdiFile;
  readonly priority: number;
}

/** The Spec with the devices that the config asks for by name. Throws docker's words for names that nothing has. */
export function withCdiDevices(spec: Spec, config: ContainerConfig, folders: readonly string[]): Spec {
  const files = loadFiles(folders);
  const names = [
    ...(config.cdiDevices ?? []),
    ...(config.gpus ?? []).flatMap((gpu) => gpuNames(gpu, files, folders)),
  ];
  const [edits, missing] = [[] as CdiEdits[], [] as string[]];
  const used = new Set<CdiFile>();
  for (const name of new Set(names)) {
    const found = findNamed(files, name);
    if (found === undefined) {
      missing.push(name);
      continue;
    }
    if (!used.has(found.file) && found.file.containerEdits) edits.push(found.file.containerEdits);
    used.add(found.file);
    edits.push(found.edits);
  }
  if (missing.length > 0) throw unresolvable(missing, folders);
  return applyCdiEdits(spec, edits, findDevice);
}

function unresolvable(names: readonly string[], folders: readonly string[]): BockerError {
  return new BockerError(`CDI device injection failed: unresolvable CDI devices ${names.join(", ")}`, {
    kind: "not-found",
    hint: `CDI files are looked for in ${folders.join(" and ")}`,
  });
}

function loadFiles(folders: readonly string[]): readonly Found[] {
  return folders.flatMap((folder, priority) =>
    listFolder(folder)
      .filter((name) => /\.(json|ya?ml)$/.test(name))
      .map((name) => {
        const path = join(folder, name);
        return { path, priority, file: load(path) };
      }),
  );
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function load(path: string): CdiFile {
  try {
    const text = Buffer.from(readBounded(path)).toString();
    return parseCdiFile(path.endsWith(".json") ? JSON.parse(text) : Bun.YAML.parse(text));
  } catch (cause) {
    throw new BockerError(`cannot read CDI file "${path}": ${messageOf(cause)}`, {
      kind: "invalid-config",
      cause,
    });
  }
}

function findNamed(
  files: readonly Found[],
  name: string,
): { readonly file: CdiFile; readonly edits: CdiEdits } | undefined {
  const equals = name.indexOf("=");
  const [kind, device] = [name.slice(0, equals), name.slice(equals + 1)];
  const found = files.flatMap(({ path, file, priority }) =>
    file.kind !== kind
      ? []
      : file.devices
          .filter((each) => each.name === device)
          .map(({ containerEdits = {} }) => ({ path, priority, file, edits: containerEdits })),
  );
  const most = Math.max(...found.map(({ priority }) => priority));
  const [first, second] = found.filter(({ priority }) => priority === most);
  if (first === undefined || second === undefined) return first;
  throw new BockerError(
    `conflicting CDI device "${name}": both "${first.path}" and "${second.path}" have it`,
    {
      kind: "conflict",
    },
  );
}

const gpuKinds = ["nvidia.com/gpu", "amd.com/gpu", "intel.com/gpu"];

/** `all`, the first so many, or these. Docker's words where no file has GPUs. */
function gpuNames(
  { driver, count, ids }: GpuRequest,
  files: readonly Found[],
  folders: readonly string[],
): readonly string[] {
  const kinds = gpuKinds.filter((kind) => driver === undefined || kind.startsWith(`${driver}.`));
  const kind = kinds.find((each) => files.some(({ file }) => file.kind === each));
  if (kind === undefined) {
    throw new BockerError(`could not select device driver "${driver ?? ""}" with capabilities: [[gpu]]`, {
      kind: "not-found",
      hint: `GPUs come from CDI files in ${folders.join(" and ")}: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`,
    });
  }
  const chosen = ids.length > 0 ? ids : count === "all" ? ["all"] : firstIds(count);
  return chosen.map((id) => `${kind}=${id}`);
}

function firstIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}
