/**
 * `run --dry-run`: everything that run would do, in order, and nothing of it done.
 *
 * The same planners are asked as by a real start. What they would write to the state is written in a transaction that
 * is rolled back; the image's layers are looked at through a read-only mount that only this process has.
 */
import { closeSync } from "node:fs";
import { join } from "node:path";
import { loadCgroupFacts } from "../cgroup/apply-cgroup.ts";
import { planCgroup } from "../cgroup/plan-cgroup.ts";
import type { ContainerConfig } from "../config/container-config.ts";
import type { HostStep } from "../host/step.ts";
import { planStart } from "../launch/plan-start.ts";
import { renderPlan } from "../launch/render-plan.ts";
import { type NetworkReservation, planNetworking, reserveNetworking } from "../network/networking.ts";
import { insertContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { layerPath } from "../storage/layer-directory.ts";
import { mountLayers } from "../storage/mount-rootfs.ts";
import { selectDriver } from "../storage/select-driver.ts";
import type { StorageDriverName } from "../storage/storage-driver.ts";
import { containerFilesIn } from "./container-files.ts";
import { containerFolder } from "./container-paths.ts";
import { resolveSpec } from "./container-spec.ts";
import { type ContainerDraft, claimedConfig, draftContainer } from "./create-container.ts";
import { parseRootDirectory } from "./directory-image.ts";
import type { Engine } from "./engine.ts";
import { type Launch, startContextOf } from "./launch-spec.ts";
import { withMountImages } from "./mount-image.ts";
import { sketchStage } from "./mount-stage.ts";
import { renderSteps } from "./render-steps.ts";
import type { LocalImage } from "./resolve-image.ts";
import { resolveRoot } from "./run-container.ts";

/** Stands for the id that a real run would make up; printed as `$id`. */
const placeholder = "0".repeat(64);

const silent = { onMissing: () => undefined, onProgress: () => undefined };

/** The text of the plan. Throws what run would, as far as it can be told without doing it. */
export async function renderDryRun(engine: Engine, config: ContainerConfig): Promise<string> {
  const image = await imageHere(engine, config);
  const settled = await withMountImages(engine, { ...config, pull: "never" }, silent);
  const draft = await draftContainer(engine, settled, image, placeholder);
  const { record, reservation, steps } = planInState(engine, draft);
  const layers = config.rootfs
    ? [parseRootDirectory(config.image).path]
    : draft.image.rootfs.diff_ids.toReversed().map((diffID) => layerPath(engine.paths, diffID));
  const rootFd = mountLayers(layers);
  try {
    const files = containerFilesIn(containerFolder(engine.paths, record.id));
    const stage = sketchStage(engine, record);
    const secretEnv = (config.secrets ?? []).flatMap((secret) =>
      secret.type === "env" ? [`${secret.variable}=*******`] : [],
    );
    const request = { record, image: draft.image, rootFd, files, stage, secretEnv };
    const resolved = await resolveSpec(engine, request);
    const { hierarchy, spec } = resolved;
    const cgroupsPath = spec.linux?.cgroupsPath ?? "";
    const resources = spec.linux?.resources ?? {};
    const facts = loadCgroupFacts(hierarchy, cgroupsPath);
    const cgroup = hierarchy.mode === "none" ? [] : planCgroup(hierarchy, cgroupsPath, resources, facts);
    const tasks = hierarchy.mounts.filter(({ version }) => version === 1).length;
    const launch: Omit<Launch, "root" | "stage"> = { record, image: draft.image, reservation, resolved };
    const context = startContextOf({ ...launch, stage }, config.tty ? 0 : undefined, tasks);
    // Not written by a dry run, and files all the same.
    const written = Object.fromEntries(Object.values(files).map((path) => [path, "file" as const]));
    const plan = planStart(spec, { ...context, bindSources: { ...context.bindSources, ...written } });
    return renderWhole([
      ["files of the container", renderSteps(folderSteps(engine, record, draft))],
      ["root file system", rootfsLines(engine, record, layers)],
      ["cgroup", renderSteps(cgroup)],
      ["process (by its own init, up to execve)", renderPlan(plan)],
      ['network (while the process waits for "go")', renderSteps(steps)],
    ]);
  } finally {
    closeSync(rootFd);
  }
}

/** A dry run fetches nothing: the image must be here, or be the embedded one. */
async function imageHere(engine: Engine, config: ContainerConfig): Promise<LocalImage> {
  return resolveRoot(engine, { ...config, pull: "never" }, silent);
}

export interface StatePlan {
  readonly record: ContainerRecord;
  readonly reservation: NetworkReservation;
  readonly steps: readonly HostStep[];
}

class RolledBack extends Error {
  constructor(readonly plan: StatePlan) {
    super("rolled back");
  }
}

/** Names, addresses and ports as they would be given out, and the network's steps; the transaction never commits. */
export function planInState(engine: Engine, draft: ContainerDraft): StatePlan {
  try {
    engine.state.transaction(() => {
      const name = draft.config.name ?? "bocker_dry_run";
      const record = insertContainer(engine.state, { ...draft.parts, config: claimedConfig(draft), name });
      const reservation = reserveNetworking(engine.state, engine.settings.network, record);
      const steps = planNetworking(engine.state, engine.settings.network, reservation, "$pid");
      throw new RolledBack({ record, reservation, steps });
    });
  } catch (error) {
    if (error instanceof RolledBack) return error.plan;
    throw error;
  }
  throw new Error("unreachable: the transaction always throws");
}

function folderSteps(engine: Engine, record: ContainerRecord, draft: ContainerDraft): readonly HostStep[] {
  const folder = containerFolder(engine.paths, record.id);
  const { hosts, hostname, resolvConf } = containerFilesIn(folder);
  const made = (path: string): HostStep => ({
    label: `make folder "${path}"`,
    kind: "mkdir",
    path,
    mode: 0o755,
    undo: { kind: "remove", path },
  });
  const written = (path: string): HostStep => ({ label: `write "${path}"`, kind: "write", path, data: "…" });
  return [
    made(folder),
    ...(driverFor(engine, record) === "overlay" ? ["upper", "work"] : []).map((name) =>
      made(join(folder, name)),
    ),
    ...draft.volumes.map((volume) => made(join(engine.paths.volumes, volume.name, "_data"))),
    ...[hosts, hostname, resolvConf].map(written),
  ];
}

function driverFor(engine: Engine, { config }: ContainerRecord): StorageDriverName {
  return selectDriver(engine.paths, config.storageDriver ?? engine.settings.storageDriver).name;
}

function rootfsLines(engine: Engine, record: ContainerRecord, layers: readonly string[]): readonly string[] {
  const { rootfs, image } = record.config;
  if (rootfs && !parseRootDirectory(image).overlay) return [openTreeLine(image)];
  const driver = rootfs ? "overlay" : driverFor(engine, record);
  if (driver === "overlay") return overlayLines(engine, record, layers);
  const folder = join(containerFolder(engine.paths, record.id), "rootfs");
  const copies = layers.toReversed().map((layer) => `copy "${layer}" over "${folder}"`);
  const made =
    driver === "vfs"
      ? copies
      : [`ioctl(BTRFS_IOC_SNAP_CREATE_V2, "${folder}")    # of the image's subvolume`];
  return [...made, openTreeLine(folder)];
}

function openTreeLine(path: string): string {
  return `open_tree("${path}", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = rootfs    # undo: close(rootfs)`;
}

function overlayLines(engine: Engine, record: ContainerRecord, layers: readonly string[]): readonly string[] {
  const folder = containerFolder(engine.paths, record.id);
  const set = (key: string, value: string) => `fsconfig(overlay, FSCONFIG_SET_STRING, "${key}", "${value}")`;
  return [
    'fsopen("overlay", FSOPEN_CLOEXEC) = overlay',
    set("upperdir", join(folder, "upper")),
    set("workdir", join(folder, "work")),
    ...layers.map((layer) => set("lowerdir+", layer)),
    "fsconfig(overlay, FSCONFIG_CMD_CREATE)",
    "fsmount(overlay, FSMOUNT_CLOEXEC) = rootfs    # undo: close(rootfs)",
  ];
}

function renderWhole(parts: readonly (readonly [title: string, lines: readonly string[]])[]): string {
  const text = parts
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [`# ${title}`, ...lines].join("\n"))
    .join("\n\n");
  return `${text.replaceAll(placeholder, "$id").replaceAll(placeholder.slice(0, 12), "$id12")}\n`;
}
