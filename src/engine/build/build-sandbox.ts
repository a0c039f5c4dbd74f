/**
 * What the containers of one build have in common: a row that owns what they hold on the host, a folder, and one network
 * namespace with one address.
 *
 *   container/BUILD/N/      of the Nth container: upper, work, stub, hosts …
 *   CGROUP-PARENT/BUILD/N   its cgroup
 *
 * All of it is made when the first step needs it: a build that takes everything from the cache makes nothing. After a
 * crash the row leads whoever comes next to the rest (sweep-builds.ts).
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { RunSettings } from "../../build/build-options.ts";
import type { ContainerConfig } from "../../config/container-config.ts";
import { newRunDraft } from "../../config/default-config.ts";
import { BockerError } from "../../errors.ts";
import { readProcessIdentity } from "../../host/process-identity.ts";
import { randomId } from "../../host/random-id.ts";
import { applyNetworking, type NetworkReservation, reserveNetworking } from "../../network/networking.ts";
import { insertBuild } from "../../state/build.ts";
import type { ContainerRecord } from "../../state/record.ts";
import { containerFolder } from "../container-paths.ts";
import type { Engine } from "../engine.ts";
import { removeBuild } from "./sweep-builds.ts";

/** docker's builder names its containers so. */
const hostname = "buildkitsandbox";

/** One container's place. */
export interface SandboxPlace {
  /** `BUILD/N`: a container's id as far as folders and cgroups go. */
  readonly id: string;
  readonly folder: string;
}

/** A container's way into the network. */
export interface NetworkEntry {
  readonly reservation: NetworkReservation;
  /** The namespace to join; undefined: the container makes its own. */
  readonly path: string | undefined;
  /** To be called with the container's process while it waits. */
  apply(pid: number): void;
  /** To be called once the container has started, or has not. */
  finish(): void;
}

export class BuildSandbox implements AsyncDisposable {
  readonly config: ContainerConfig;
  readonly settings: RunSettings;
  readonly #engine: Engine;
  #record: ContainerRecord | undefined;
  #places = 0;
  #reservation: NetworkReservation | undefined;
  #namespace: number | undefined;
  #joining: Promise<void> | undefined;

  constructor(engine: Engine, settings: RunSettings) {
    this.#engine = engine;
    this.config = sandboxConfig(settings);
    this.settings = settings;
  }

  /** The row, made now if there is none yet. */
  get record(): ContainerRecord {
    this.#record ??= makeRecord(this.#engine, this.config);
    return this.#record;
  }

  /** A new, empty folder for one container, or for whatever else must not outlive the build. */
  newPlace(): SandboxPlace {
    this.#places += 1;
    const id = `${this.record.id}/${this.#places}`;
    const folder = containerFolder(this.#engine.paths, id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return { id, folder };
  }

  /** The build's network: the first to come makes it, the others wait and join. */
  async enterNetwork(): Promise<NetworkEntry> {
    while (this.#joining !== undefined) await this.#joining;
    if (this.#reservation !== undefined && this.#namespace !== undefined) {
      const path = `/proc/${process.pid}/fd/${this.#namespace}`;
      return { reservation: { ...this.#reservation, interfaces: [] }, path, apply() {}, finish() {} };
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#joining = promise;
    const finish = () => {
      this.#joining = undefined;
      resolve();
    };
    try {
      const { state, settings } = this.#engine;
      const reservation = reserveNetworking(state, settings.network, this.record);
      const apply = (pid: number) => {
        applyNetworking(state, settings.network, reservation, pid);
        this.#namespace = openSync(`/proc/${pid}/ns/net`, "r");
        this.#reservation = reservation;
      };
      return { reservation, path: undefined, apply, finish };
    } catch (error) {
      finish();
      throw error;
    }
  }

  /** Nothing of it may run any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#namespace !== undefined) closeSync(this.#namespace);
    this.#namespace = undefined;
    if (this.#record !== undefined) await removeBuild(this.#engine, this.#record);
    this.#record = undefined;
  }
}

function makeRecord(engine: Engine, config: ContainerConfig): ContainerRecord {
  const builder = readProcessIdentity(process.pid);
  if (builder === undefined) {
    throw new BockerError("cannot read /proc/self: is /proc mounted?", { kind: "host" });
  }
  const record = insertBuild(engine.state, { id: randomId(), config, builder });
  mkdirSync(join(engine.paths.containers, record.id), { recursive: true, mode: 0o710 });
  return record;
}

function sandboxConfig(settings: RunSettings): ContainerConfig {
  const { config } = newRunDraft();
  const { network, cgroupParent, shmSizeBytes } = settings;
  return {
    ...config,
    ...settings.container,
    hostname: settings.hostname ?? hostname,
    networks: network === "default" ? [] : [{ name: network, aliases: [] }],
    addHosts: settings.addHosts,
    ulimits: settings.ulimits,
    resources: settings.resources,
    ...(shmSizeBytes === undefined ? {} : { shmSizeBytes }),
    ...(cgroupParent === undefined ? {} : { cgroupParent }),
  };
}
