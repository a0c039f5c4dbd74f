/**
 * A step's container, ready to be started: its Spec by way of any container's, the overlay of the files so far, and
 * where its mounts go.
 */
import { closeSync, openSync } from "node:fs";
import { openFlags } from "../../../ffi/flags.ts";
import { createCgroup } from "../../cgroup/apply-cgroup.ts";
import { openCgroup } from "../../cgroup/open-cgroup.ts";
import type { DiffID } from "../../image/digest.ts";
import type { ImageConfig } from "../../image/image-config.ts";
import { planStart } from "../../launch/plan-start.ts";
import type { StdioPipes } from "../../monitor/container-stdio.ts";
import { type StartedProcess, startProcess } from "../../runtime/start-process.ts";
import type { ContainerRecord } from "../../state/record.ts";
import { stackLayers } from "../../storage/layer-stack.ts";
import { mountRootfs } from "../../storage/mount-rootfs.ts";
import { openLayerTree } from "../../storage/open-tree.ts";
import { writeContainerFiles } from "../container-files.ts";
import { type ResolvedSpec, resolveSpec } from "../container-spec.ts";
import type { Engine } from "../engine.ts";
import { type HeldDescriptor, heldDescriptor, startContextOf } from "../launch-spec.ts";
import type { OpenStage } from "../mount-stage.ts";
import type { NetworkEntry, SandboxPlace } from "./build-sandbox.ts";
import { type MountPlace, makePlaces, missingPlaces, planPlaces } from "./mount-place.ts";
import { makeStepRoot, type StepRoot } from "./step-root.ts";

interface StepParts {
  readonly place: SandboxPlace;
  readonly layers: readonly DiffID[];
  readonly network: NetworkEntry;
  readonly stage: OpenStage;
}

export interface StepContainer {
  readonly record: ContainerRecord;
  readonly layers: readonly DiffID[];
  readonly resolved: ResolvedSpec;
  readonly files: StepRoot;
  readonly root: HeldDescriptor;
  readonly stage: OpenStage;
  /** Places of mounts that the launcher has to make in the root. */
  readonly missing: readonly MountPlace[];
}

/** What a step's process finds of an image: nothing. All that it has is in its config. */
const noImage: ImageConfig = {
  architecture: "",
  os: "linux",
  config: {},
  rootfs: { type: "layers", diff_ids: [] },
  history: [],
};

/** Makes its root and mounts it. The caller disposes of root and stage. */
export async function prepareStep(
  engine: Engine,
  record: ContainerRecord,
  parts: StepParts,
): Promise<StepContainer> {
  const { layers, stage, place, network } = parts;
  const files = makeStepRoot(engine, place, layers);
  const lowerdirs = stackLayers(engine.paths, layers);
  const base = lowerdirs.length === 0 ? openSync(files.written, openFlags.O_PATH) : openLayerTree(lowerdirs);
  try {
    const { hostname = "" } = record.config;
    const written = writeContainerFiles(place.folder, record.config, hostname, network.reservation);
    const request = { record, image: noImage, rootFd: base, files: written, stage };
    const resolved = joined(await resolveSpec(engine, request), network);
    const places = planPlaces(base, resolved.spec, stage.files);
    if (files.lowest !== undefined) makePlaces(files.lowest, places);
    const root = mountRootfs(files.rootfs);
    const missing = missingPlaces(root, places);
    return { record, layers, stage, resolved, files, root: heldDescriptor(root), missing };
  } finally {
    closeSync(base);
  }
}

/** The Spec with the build's network namespace in place of one of its own; what that was to have it has already. */
function joined(resolved: ResolvedSpec, { path }: NetworkEntry): ResolvedSpec {
  if (path === undefined) return resolved;
  const { linux } = resolved.spec;
  const namespaces = (linux?.namespaces ?? []).map((each) =>
    each.type === "network" ? { ...each, path } : each,
  );
  const sysctl = Object.fromEntries(
    Object.entries(linux?.sysctl ?? {}).filter(([name]) => !name.startsWith("net.")),
  );
  return { ...resolved, spec: { ...resolved.spec, linux: { ...linux, namespaces, sysctl } } };
}

/** Starts it, its streams those of `pipes`. Throws as startProcess does. */
export async function launchStep(
  container: StepContainer,
  network: NetworkEntry,
  pipes: StdioPipes,
): Promise<StartedProcess> {
  const { record, resolved, root, stage, layers } = container;
  const { spec, hierarchy } = resolved;
  using cgroup =
    hierarchy.mode === "none"
      ? undefined
      : openCgroup(createCgroup(hierarchy, spec.linux?.cgroupsPath ?? "", spec.linux?.resources ?? {}));
  const tasks = cgroup?.taskFds ?? [];
  const image = { ...noImage, rootfs: { type: "layers", diff_ids: layers } as const };
  const launch = { record, image, resolved, stage, reservation: network.reservation };
  const devNull = openSync("/dev/null", "r");
  try {
    return await startProcess(planStart(spec, startContextOf(launch, undefined, tasks.length)), {
      stdio: [devNull, pipes.child.stdout, pipes.child.stderr],
      fds: {
        rootfs: root.fd,
        ...stage.fds,
        ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])),
      },
      cgroupFd: cgroup?.directoryFd,
      beforeGo: (pid) => {
        // The child has its own, and whoever closes the last one waits for the file system below.
        root[Symbol.dispose]();
        network.apply(pid);
      },
    });
  } finally {
    closeSync(devNull);
  }
}
