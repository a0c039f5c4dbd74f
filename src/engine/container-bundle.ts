/**
 * `spec`: the OCI configuration that run would use, printed, or laid out as a bundle that any OCI runtime can run.
 *
 *   DIR/config.json   DIR/rootfs/   DIR/hosts  DIR/hostname  DIR/resolv.conf   DIR/volume/NAME/   (anonymous volumes)
 *
 * The same functions make it as make a container's. What a bundle cannot hold is refused by name: mounts that no path of
 * the host leads to. Its network namespace has a loopback device and no other: giving it more is the caller's.
 */
import { closeSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { randomHex } from "../host/random-id.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import { isIdentity } from "../security/id-map.ts";
import type { Spec, SpecMount } from "../spec/oci.ts";
import type { ContainerRecord } from "../state/record.ts";
import { copyTree } from "../storage/copy-tree.ts";
import { layerPath } from "../storage/layer-directory.ts";
import { mountLayers, mountRootfs } from "../storage/mount-rootfs.ts";
import { type ContainerFiles, containerFilesIn, writeContainerFiles } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerRootfs } from "./container-rootfs.ts";
import { boundingCapabilities, seccompPolicyOf } from "./container-seccomp.ts";
import { resolveSpec } from "./container-spec.ts";
import { draftContainer } from "./create-container.ts";
import { parseRootDirectory } from "./directory-image.ts";
import { planInState } from "./dry-run.ts";
import type { Engine } from "./engine.ts";
import { fillFrom } from "./fill-volumes.ts";
import type { ResolveImageOptions } from "./resolve-image.ts";
import { resolveRoot } from "./run-container.ts";
import { isStaged } from "./staged-mount.ts";

/** What a bundle is made of: a container that is there, or one that run would make. */
export interface BundleSource extends Disposable {
  readonly record: ContainerRecord;
  readonly image: ImageConfig;
  readonly rootFd: number;
}

/** Of an image and run's options. Nothing is kept in the state. */
export async function sourceOfImage(
  engine: Engine,
  config: ContainerConfig,
  options: ResolveImageOptions,
): Promise<BundleSource> {
  const local = await resolveRoot(engine, config, options);
  const draft = await draftContainer(engine, config, local, randomHex(32));
  const { record } = planInState(engine, draft);
  const layers = config.rootfs
    ? [parseRootDirectory(config.image).path]
    : parseImageConfig(local.configBytes)
        .rootfs.diff_ids.toReversed()
        .map((id) => layerPath(engine.paths, id));
  return held(record, draft.image, mountLayers(layers));
}

/** Of a container, with its root as it is now. */
export function sourceOfContainer(engine: Engine, record: ContainerRecord): BundleSource {
  const image = loadContainerImage(engine, record);
  return held(record, image, mountRootfs(containerRootfs(engine, record, image)));
}

function held(record: ContainerRecord, image: ImageConfig, rootFd: number): BundleSource {
  return { record, image, rootFd, [Symbol.dispose]: () => closeSync(rootFd) };
}

/** The configuration as text; its paths are those of a bundle in `directory`. */
export async function renderBundleConfig(
  engine: Engine,
  source: BundleSource,
  directory: string,
): Promise<string> {
  return renderSpec(await bundleSpec(engine, source, containerFilesIn(resolve(directory)), directory));
}

/** Lays the bundle out. Throws where the directory has a config.json or a rootfs already. */
export async function writeBundle(engine: Engine, source: BundleSource, directory: string): Promise<void> {
  const [config, rootfs] = [join(directory, "config.json"), join(directory, "rootfs")];
  const taken = [config, rootfs].find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new BockerError(`cannot write a bundle to "${directory}": "${taken}" exists`, { kind: "conflict" });
  }
  mkdirSync(rootfs, { recursive: true, mode: 0o755 });
  const { record } = source;
  const places = { mode: "none", leases: [], networks: [] } as const;
  const files = writeContainerFiles(resolve(directory), record.config, hostnameOf(engine, record), places);
  const spec = await bundleSpec(engine, source, files, directory);
  copyTree(`/proc/self/fd/${source.rootFd}`, rootfs);
  for (const mount of spec.mounts ?? []) fillVolume(source, mount, directory);
  writeFileSync(config, renderSpec(spec), { flag: "wx", mode: 0o644 });
}

async function bundleSpec(
  engine: Engine,
  { record, image, rootFd }: BundleSource,
  files: ContainerFiles,
  directory: string,
): Promise<Spec> {
  refuseStaged(record.config);
  refuseMapped(record.config);
  const { spec } = await resolveSpec(engine, { record, image, rootFd, files });
  const seccomp = await seccompPolicyOf(record.config, boundingCapabilities());
  // The runtime names a cgroup after the container's id: two of one bundle must not share one.
  const { cgroupsPath: _own, ...linux } = spec.linux ?? {};
  return {
    ...spec,
    root: { ...spec.root, path: "rootfs" },
    mounts: (spec.mounts ?? []).map((mount) => withOwnVolume(engine, mount, directory)),
    linux: { ...linux, ...(seccomp === undefined ? {} : { seccomp }) },
  };
}

/** Other runtimes want the files of a root to have the host's ids. */
function refuseMapped({ idMaps }: ContainerConfig): void {
  if (idMaps === undefined || isIdentity(idMaps)) return;
  throw new BockerError(
    "cannot write an OCI configuration: the user namespace maps ids of the root's files",
    {
      kind: "unsupported",
      hint: "only bocker run maps them as it mounts the layers; leave --userns out",
    },
  );
}

function refuseStaged({ mounts, secrets = [] }: ContainerConfig): void {
  const staged = mounts.find(isStaged);
  const what =
    staged === undefined ? (secrets.length > 0 ? "secrets" : undefined) : `the mount at "${staged.target}"`;
  if (what === undefined) return;
  throw new BockerError(`cannot write an OCI configuration: ${what} cannot be in a bundle`, {
    kind: "unsupported",
    hint: "only bocker run puts together mounts that no path of the host leads to",
  });
}

/** An anonymous volume that run would make becomes a directory of the bundle. */
function withOwnVolume(engine: Engine, mount: SpecMount, directory: string): SpecMount {
  const { source = "" } = mount;
  const isVolume = source.startsWith(`${engine.paths.volumes}/`);
  if (!isVolume || existsSync(source)) return mount;
  const name = source.slice(engine.paths.volumes.length + 1).split("/", 1)[0] ?? "";
  return { ...mount, source: join(resolve(directory), "volume", name) };
}

/** With what the image has there, as run fills it. */
function fillVolume(
  { rootFd }: BundleSource,
  { source = "", destination }: SpecMount,
  directory: string,
): void {
  if (!isAbsolute(source) || !source.startsWith(`${resolve(directory)}/volume/`)) return;
  mkdirSync(source, { recursive: true, mode: 0o755 });
  fillFrom(rootFd, destination, source);
}

/** JSON for any runtime: 64-bit numbers, and "no limit" as the largest of them, are more than JavaScript's can say. */
function renderSpec(spec: Spec): string {
  const text = JSON.stringify(
    spec,
    (_, value) => (typeof value === "bigint" ? `bigint:${value}` : value),
    "\t",
  );
  const numbers = text.replace(/"bigint:(\d+)"/g, "$1");
  return `${numbers.replace(/("(?:soft|hard)": )-1\b/g, "$118446744073709551615")}\n`;
}
