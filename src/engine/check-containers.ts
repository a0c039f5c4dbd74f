/**
 * Whether containers and what they hold on the host fit their records: folders, volumes, cgroups, mounts, addresses.
 *
 * A container that is just being made or started has its row before anything else, so what has no row is left over.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { umountFlags } from "../../ffi/flags.ts";
import { umount2 } from "../../ffi/mount.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { listContainerIds, sweepCgroups } from "../cgroup/sweep-cgroups.ts";
import { messageOf } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import { releaseNetworking } from "../network/release-networking.ts";
import { listDeadBuilds } from "../state/build.ts";
import { getContainer, listContainers } from "../state/container.ts";
import { needsSettling } from "../state/container-life.ts";
import { getImage } from "../state/image.ts";
import { isContainerAlive, listLeases } from "../state/lease.ts";
import { listPorts } from "../state/port.ts";
import type { ContainerRecord } from "../state/record.ts";
import { getVolume, listVolumes } from "../state/volume.ts";
import { removeTree } from "../storage/remove-tree.ts";
import type { Problem } from "./check-problem.ts";
import { cgroupParentOf } from "./container-cgroup.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

/** Longer than making a container takes, a copy of a large image aside. */
const makingMs = 10_000;

const isId = (name: string) => /^[0-9a-f]{64}$/.test(name);

/** Looks at rows and at the host; changes nothing until a repair is run. */
export function checkContainers(engine: Engine): readonly Problem[] {
  return [
    ...listContainers(engine.state).flatMap((record) => checkContainer(engine, record)),
    ...checkBuilds(engine),
    ...checkFolders(engine),
    ...checkVolumes(engine),
    ...checkCgroups(engine),
    ...checkMounts(engine),
    ...checkHoldings(engine),
  ];
}

function checkContainer(engine: Engine, record: ContainerRecord): readonly Problem[] {
  const about = `container "${record.name}"`;
  const problems: Problem[] = [];
  if (record.status === "removing" || needsSettling(record)) {
    const what = `${about}: is recorded as ${record.status}, and its processes are gone`;
    problems.push({ what, repair: () => settle(engine, record.id) });
  }
  if (isBeingMade(record)) return problems;
  const hint = `bocker rm -f ${record.name}`;
  if (!existsSync(containerFolder(engine.paths, record.id))) {
    return [...problems, { what: `${about}: its folder is missing`, hint }];
  }
  try {
    loadContainerImage(engine, record);
  } catch (error) {
    problems.push({ what: `${about}: ${messageOf(error)}`, hint });
  }
  if (!record.config.rootfs && getImage(engine.state, record.imageId) === undefined) {
    problems.push({ what: `${about}: its image ${record.imageId} is not there`, hint });
  }
  return problems;
}

/** Its folder comes a moment after its row. */
function isBeingMade({ status, createdAtMs }: ContainerRecord): boolean {
  return status === "created" && nowMs() - createdAtMs < makingMs;
}

async function settle(engine: Engine, id: string): Promise<void> {
  if (getContainer(engine.state, id) !== undefined) await loadContainer(engine, id).catch(ignoreGone);
}

/** Settling may be removing. */
function ignoreGone(error: unknown): void {
  if (!messageOf(error).startsWith("No such container")) throw error;
}

/** Any listing of containers removes them too. */
function checkBuilds(engine: Engine): readonly Problem[] {
  return listDeadBuilds(engine.state).map(({ id }) => ({
    what: `build ${id.slice(0, 12)}: its process is gone`,
    repair: async () => {
      const { sweepBuilds } = await import("./build/sweep-builds.ts");
      await sweepBuilds(engine);
    },
  }));
}

function checkFolders({ paths, state }: Engine): readonly Problem[] {
  const orphans = (folder: string) =>
    namesIn(folder).filter((name) => isId(name) && getContainer(state, name) === undefined);
  return [
    ...orphans(paths.containers).map((id) => ({
      what: `container/${id}: a folder without a container`,
      repair: () => removeTree(paths, join(paths.containers, id)),
    })),
    ...orphans(paths.runContainers).map((id) => ({
      what: `${join(paths.runContainers, id)}: a runtime folder without a container`,
      repair: () => rmSync(join(paths.runContainers, id), { recursive: true, force: true }),
    })),
  ];
}

/** Data is nobody's to remove but the user's. */
function checkVolumes({ paths, state }: Engine): readonly Problem[] {
  const missing = listVolumes(state)
    .filter(({ mountpoint }) => !existsSync(mountpoint))
    .map(({ name }) => ({
      what: `volume "${name}": its directory is missing`,
      hint: `bocker volume rm ${name}`,
    }));
  const unknown = namesIn(paths.volumes)
    .filter((name) => getVolume(state, name) === undefined)
    .map((name) => ({
      what: `volume/${name}: a directory without a volume`,
      hint: `bocker volume create ${name} takes it on; or remove ${join(paths.volumes, name)}`,
    }));
  return [...missing, ...unknown];
}

function checkCgroups(engine: Engine): readonly Problem[] {
  const hierarchy = detectCgroups();
  const parent = cgroupParentOf(engine);
  const isKnown = (id: string) => getContainer(engine.state, id) !== undefined;
  return listContainerIds(hierarchy, parent)
    .filter((id) => !isKnown(id))
    .map((id) => ({
      what: `cgroup ${parent}/${id}: of no container`,
      repair: () => sweepCgroups(hierarchy, parent, isKnown),
    }));
}

/** bocker mounts nothing that the host sees; what is there below its folders somebody else made, or another engine. */
function checkMounts({ paths }: Engine): readonly Problem[] {
  const below = [paths.containers, paths.layers, paths.tmp].map((folder) => `${folder}/`);
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescapeMount(line.split(" ")[4] ?? ""))
    .filter((point) => below.some((folder) => point.startsWith(folder)))
    .map((point) => ({
      what: `${point}: a mount that no container needs`,
      repair: () => umount2(point, umountFlags.MNT_DETACH),
    }));
}

/** proc_pid_mountinfo(5): blanks and backslashes are written as octal numbers. */
function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** Addresses and ports belong to containers that live. */
function checkHoldings({ state, settings }: Engine): readonly Problem[] {
  const holders = new Set([...listLeases(state), ...listPorts(state)].map(({ containerId }) => containerId));
  return [...holders]
    .filter((id) => !isContainerAlive(state, id))
    .map((id) => ({
      what: `container ${id.slice(0, 12)}: holds addresses or ports and does not run`,
      repair: () => {
        if (!isContainerAlive(state, id)) releaseNetworking(state, settings.network, id);
      },
    }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
