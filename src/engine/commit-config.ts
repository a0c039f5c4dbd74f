/**
 * The config of the image that `commit` makes: the container's own, laid over its image's. Pure.
 *
 * What docker takes along (moby, daemon/commit.go): environment, command, entrypoint, user, working directory, labels,
 * exposed and published ports, anonymous volumes, stop signal. Hostname, mounts and limits are the container's alone.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { applyChanges } from "../image/config-change.ts";
import type { DiffID } from "../image/digest.ts";
import type {
  HistoryEntry,
  ImageConfig,
  ImageHealthcheck,
  ImageProcessConfig,
} from "../image/image-config.ts";
import { mergeProcess } from "../spec/merge-process.ts";
import { exposedPorts } from "./exposed-ports.ts";
import { mergeHealth } from "./health-check.ts";

export interface CommitRequest {
  readonly author?: string;
  readonly message?: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** ISO 8601. */
  readonly created: string;
}

/** `layer` is absent where the container has changed no file. Throws what a change has wrong. */
export function committedConfig(
  image: ImageConfig,
  container: ContainerConfig,
  layer: DiffID | undefined,
  request: CommitRequest,
): ImageConfig {
  const process = containerProcess(container, image.config);
  const { created, author } = request;
  return {
    created,
    ...(author === undefined ? {} : { author }),
    architecture: image.architecture,
    ...(image.variant === undefined ? {} : { variant: image.variant }),
    os: image.os,
    config: applyChanges(process, request.changes),
    rootfs: { type: "layers", diff_ids: [...image.rootfs.diff_ids, ...(layer === undefined ? [] : [layer])] },
    history: [...image.history, historyOf(process, layer, request)],
  };
}

function historyOf(
  process: ImageProcessConfig,
  layer: DiffID | undefined,
  { created, author, message }: CommitRequest,
): HistoryEntry {
  return {
    created,
    created_by: (process.Cmd ?? []).join(" "),
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { comment: message }),
    ...(layer === undefined ? { empty_layer: true } : {}),
  };
}

function containerProcess(container: ContainerConfig, image: ImageProcessConfig): ImageProcessConfig {
  const { command, entrypoint, env, user } = mergeProcess(container, image);
  const workdir = container.workdir ?? image.WorkingDir ?? "";
  const ports = [...exposedPorts(container, image), ...container.ports].map(
    (port) => `${port.containerPort}/${port.protocol}`,
  );
  const volumes = container.mounts.flatMap((mount) =>
    mount.type === "volume" && mount.name === undefined ? [mount.target] : [],
  );
  const stopSignal = container.stopSignal ?? image.StopSignal;
  return withoutEmpty({
    ...image,
    Env: env,
    Cmd: command,
    Entrypoint: entrypoint,
    User: user,
    WorkingDir: workdir,
    ExposedPorts: keySet([], ports),
    Volumes: keySet(Object.keys(image.Volumes ?? {}), volumes),
    Labels: { ...image.Labels, ...container.labels },
    Healthcheck: healthcheckOf(container, image),
    ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
  });
}

/** The container's own check goes along, but for what is to happen when it fails: an image has no word for that. */
function healthcheckOf(container: ContainerConfig, image: ImageProcessConfig): ImageHealthcheck {
  const health = mergeHealth(container.health, image);
  const members = {
    Test: health?.test,
    Interval: health?.intervalNs,
    Timeout: health?.timeoutNs,
    StartPeriod: health?.startPeriodNs,
    StartInterval: health?.startIntervalNs,
    Retries: health?.retries,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

/** What says nothing is left out of the image, as Go's omitempty does. */
function withoutEmpty(config: ImageProcessConfig): ImageProcessConfig {
  const saying = Object.entries(config).filter(
    ([, value]) => value !== undefined && Object.keys(value).length > 0,
  );
  return Object.fromEntries(saying);
}

function keySet(
  ...names: readonly (readonly string[])[]
): Readonly<Record<string, Readonly<Record<string, never>>>> {
  return Object.fromEntries([...new Set(names.flat())].sort().map((name) => [name, {}]));
}
