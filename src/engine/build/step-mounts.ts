/**
 * `RUN --mount`, opened and locked for one step: words for its container's config, and a stage for what no path of the host
 * leads to.
 */
import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { closeQuietly } from "../../../ffi/file.ts";
import { openFlags } from "../../../ffi/flags.ts";
import type { RunSettings } from "../../build/build-options.ts";
import { openInSource } from "../../build/copy/select-sources.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import { layerTree } from "../../build/source-tree.ts";
import type { MountConfig } from "../../config/container-config.ts";
import { BockerError } from "../../errors.ts";
import { stackLayers } from "../../storage/layer-stack.ts";
import { openLayerTree } from "../../storage/open-tree.ts";
import { mountSecretFiles, type SecretFile } from "../container-secret.ts";
import type { Engine } from "../engine.ts";
import { type OpenStage, openStage } from "../mount-stage.ts";
import type { BuildSandbox, SandboxPlace } from "./build-sandbox.ts";
import { openCacheDirectory } from "./cache-mount.ts";
import { secretIdOf } from "./resolve-mounts.ts";
import type { MountWords } from "./step-config.ts";
import type { StepMount, StepRequest } from "./step-request.ts";

export interface StepMounts extends Disposable {
  readonly config: MountWords;
  readonly stage: OpenStage;
}

/** Disposing gives back locks and descriptors. Throws DockerfileProblem for a required secret or agent that is not given. */
export async function openStepMounts(
  engine: Engine,
  sandbox: BuildSandbox,
  place: SandboxPlace,
  request: StepRequest,
): Promise<StepMounts> {
  using opening = new DisposableStack();
  const opener = new MountOpener(engine, sandbox.settings, place, request, opening);
  for (const mount of request.mounts) await opener.open(mount);
  const config = { mounts: opener.mounts, env: opener.env };
  const mounts = [...sandbox.config.mounts, ...opener.mounts];
  const record = { ...sandbox.record, id: place.id, config: { ...sandbox.config, mounts } };
  const stage = withSecrets(opening.use(openStage(engine, record)), place, opener.secrets, opening);
  const held = opening.move();
  return { config, stage, [Symbol.dispose]: () => held.dispose() };
}

interface SecretPlace extends SecretFile {
  readonly target: string;
}

class MountOpener {
  readonly mounts: MountConfig[] = [];
  readonly env: string[] = [];
  readonly secrets: SecretPlace[] = [];
  readonly #engine: Engine;
  readonly #settings: RunSettings;
  readonly #place: SandboxPlace;
  readonly #request: StepRequest;
  readonly #opening: DisposableStack;

  constructor(
    engine: Engine,
    settings: RunSettings,
    place: SandboxPlace,
    request: StepRequest,
    opening: DisposableStack,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#place = place;
    this.#request = request;
    this.#opening = opening;
  }

  async open(step: StepMount): Promise<void> {
    await step.content?.store();
    const { mount, target } = step;
    switch (mount.type) {
      case "bind":
        this.mounts.push(layerMount(step));
        return;
      case "cache":
        this.mounts.push(await this.#cache(step));
        return;
      case "tmpfs": {
        const size = mount.size === undefined ? [] : [`size=${mount.size}`];
        this.mounts.push({ type: "tmpfs", target, options: ["exec", ...size] });
        return;
      }
      case "secret":
        this.#secret(step);
        return;
      case "ssh":
        this.#agent(step);
    }
  }

  async #cache(step: StepMount): Promise<MountConfig> {
    const { content, mount, target } = step;
    const openContent = content === undefined ? undefined : () => openDirectory(this.#engine, step);
    const { signal } = this.#request;
    const directory = await openCacheDirectory(this.#engine, this.#place, step, openContent, signal);
    this.#opening.use(directory);
    return hostMount(directory.path, target, mount.readOnly);
  }

  #secret({ mount, target }: StepMount): void {
    const id = secretIdOf(mount);
    const value = this.#settings.secrets.get(id);
    if (value === undefined) {
      if (mount.required) throw this.#missing(`secret ${id}: not found`, `--secret id=${id},src=FILE`);
      return;
    }
    if (mount.env !== undefined) {
      const text = Buffer.from(value).toString();
      if (text.includes("\0"))
        throw this.#missing(`secret ${id} has a NUL byte: it cannot be a variable`, "mount it as a file");
      this.env.push(`${mount.env || id}=${text}`);
      if (mount.target === undefined) return;
    }
    const { uid = 0, gid = 0, mode = 0o400 } = mount;
    this.secrets.push({ name: String(this.secrets.length), target, value, uid, gid, mode });
  }

  /** The agent's own socket: whose it is on the host it is in the container. */
  #agent({ mount, target }: StepMount): void {
    const { id = "default", required } = mount;
    const socket = this.#settings.agents.get(id);
    const isThere = socket !== undefined && statSync(socket, { throwIfNoEntry: false })?.isSocket() === true;
    if (!isThere) {
      if (required)
        throw this.#missing(`no SSH key ${JSON.stringify(id)} forwarded from the client`, "--ssh default");
      return;
    }
    this.mounts.push(hostMount(socket, target, false));
    if (!this.env.some((word) => word.startsWith("SSH_AUTH_SOCK="))) this.env.push(`SSH_AUTH_SOCK=${target}`);
  }

  #missing(message: string, option: string): DockerfileProblem {
    return new DockerfileProblem(message, this.#request.effect.location, {
      word: "--mount",
      hint: `give it to build: ${option}`,
    });
  }
}

/** As `--mount type=image` has it: read-only, or below an upper directory that is thrown away. */
function layerMount({ mount, target, content }: StepMount): MountConfig {
  const { layers = [], subpath = "" } = content ?? {};
  return {
    type: "image",
    source: mount.from ?? "context",
    target,
    readOnly: mount.readOnly,
    ...(subpath === "" ? {} : { subpath }),
    image: { id: "", layers },
  };
}

function hostMount(source: string, target: string, readOnly: boolean): MountConfig {
  return { type: "bind", source, target, readOnly, createSource: false, recursive: false };
}

/** What a cache begins with, by way of descriptors: no link in the layers leads out of them. */
function openDirectory(
  { paths }: Engine,
  { content, mount }: StepMount,
): Disposable & { readonly path: string } {
  const root = openLayerTree(stackLayers(paths, content?.layers ?? []));
  const tree = layerTree(root, mount.from ?? "context");
  const fd = openInSource(tree, content?.subpath ?? "", openFlags.O_PATH | openFlags.O_DIRECTORY);
  if (fd !== undefined) {
    return { path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => closeQuietly(root, fd) };
  }
  closeQuietly(root);
  throw new BockerError(
    `cannot begin a cache with "${mount.source ?? "/"}" of ${tree.label}: no such directory`,
    {
      kind: "not-found",
    },
  );
}

/** The stage with a tmpfs of secrets, where there are any. */
function withSecrets(
  stage: OpenStage,
  place: SandboxPlace,
  secrets: readonly SecretPlace[],
  opening: DisposableStack,
): OpenStage {
  if (secrets.length === 0) return stage;
  const path = join(place.folder, "stage", "secret");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const fd = mountSecretFiles(secrets);
  opening.defer(() => closeQuietly(fd));
  const files = secrets.map(({ name }) => join(path, name));
  return {
    ...stage,
    mounts: [...stage.mounts, { fd: "stage-secret", path }],
    fds: { ...stage.fds, "stage-secret": fd },
    files: [...stage.files, ...files],
    sources: {
      ...stage.sources,
      secrets: secrets.map(({ name, target }) => ({ source: join(path, name), target })),
    },
  };
}
