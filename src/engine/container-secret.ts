/**
 * The secrets of one container: copied into its folder when it is made, so that it starts with what it was made with
 * whatever becomes of the secret; files of a tmpfs, or variables, when it runs.
 *
 *   container/ID/secret/N     the value of the Nth --secret, 0600 in a folder of 0700
 */
import { closeSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fchmodat, fchownat } from "../../ffi/file.ts";
import { mountAttributes } from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import type { ContainerConfig, SecretConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import type { ContainerRecord } from "../state/record.ts";
import { findSecret } from "../state/secret.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { hostUserOf } from "./host-user.ts";
import { loadSecretValue } from "./secret.ts";

type MountedSecret = Extract<SecretConfig, { type: "mount" }>;

/** Throws podman's words for a secret that is not there. */
export function checkSecrets(engine: Engine, { secrets = [] }: ContainerConfig): void {
  for (const { name } of secrets) findSecret(engine.state, name);
}

/** Copies the values into the container's folder, which must exist. */
export function keepSecrets(engine: Engine, { id, config }: ContainerRecord): void {
  const { secrets = [] } = config;
  if (secrets.length === 0) return;
  mkdirSync(secretFolder(engine, id), { mode: 0o700 });
  for (const [index, { name }] of secrets.entries()) {
    const value = loadSecretValue(engine, name);
    writeFileSync(join(secretFolder(engine, id), String(index)), value, { mode: 0o600, flag: "wx" });
  }
}

/** `NAME=value` of the secrets that are variables. */
export function secretEnvironment(engine: Engine, { id, config }: ContainerRecord): readonly string[] {
  return (config.secrets ?? []).flatMap((secret, index) => {
    if (secret.type !== "env") return [];
    const value = readValue(engine, id, index);
    if (value.includes(0)) {
      throw new BockerError(`secret "${secret.name}" has a NUL byte: it cannot be a variable`, {
        kind: "invalid-config",
        hint: "mount it: type=mount",
      });
    }
    return [`${secret.variable}=${value.toString("utf8")}`];
  });
}

/** The secrets that are files, each with the name it has in the tmpfs of mountSecrets. */
export function mountedSecrets({ secrets = [] }: ContainerConfig): ReadonlyMap<string, MountedSecret> {
  return new Map(
    secrets.flatMap((secret, index) => (secret.type === "mount" ? [[String(index), secret] as const] : [])),
  );
}

/** A tmpfs, detached and read-only, with a file for each mounted secret. The caller closes. */
export function mountSecrets(engine: Engine, { id, config }: ContainerRecord): number {
  return mountSecretFiles(
    [...mountedSecrets(config)].map(([name, { uid, gid, mode }]) => {
      const owner = hostUserOf(config, { uid, gid });
      return { ...owner, name, mode, value: readValue(engine, id, Number(name)) };
    }),
  );
}

export interface SecretFile extends Pick<MountedSecret, "uid" | "gid" | "mode"> {
  /** In the tmpfs. */
  readonly name: string;
  readonly value: Uint8Array;
}

/** As mountSecrets, of values that are at hand. */
export function mountSecretFiles(files: readonly SecretFile[]): number {
  const fd = makeTmpfs();
  try {
    for (const { name, uid, gid, mode, value } of files) {
      writeFileSync(`/proc/self/fd/${fd}/${name}`, value, { mode: 0o600 });
      fchownat(fd, name, uid, gid);
      fchmodat(fd, name, mode);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function makeTmpfs(): number {
  const { MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID } = mountAttributes;
  const context = fsopen("tmpfs");
  try {
    fsconfig(context, { set: "string", key: "source", value: "tmpfs" });
    fsconfig(context, { set: "string", key: "mode", value: "0700" });
    keepOutOfSwap(context);
    fsconfig(context, { set: "create" });
    return fsmount(context, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSUID);
  } finally {
    closeSync(context);
  }
}

/** Linux 6.4; before it a secret may get into the swap, as any memory. */
function keepOutOfSwap(context: number): void {
  try {
    fsconfig(context, { set: "flag", key: "noswap" });
  } catch (error) {
    if (!isErrno(error, "EINVAL", "EPERM")) throw error;
  }
}

function readValue(engine: Engine, id: string, index: number): Buffer {
  return readFileSync(join(secretFolder(engine, id), String(index)));
}

function secretFolder(engine: Engine, id: string): string {
  return join(containerFolder(engine.paths, id), "secret");
}
