/**
 * Options of run and create about files: volumes, mounts, tmpfs, devices, the root file system, /dev/shm.
 */

import { resolve } from "node:path";
import type { MountConfig } from "../container-config.ts";
import { defaultShmBytes } from "../default-config.ts";
import { checkDeviceRule, isCdiName, parseDevice, renderDevice } from "../device-spec.ts";
import { parseGpus } from "../gpu-spec.ts";
import { parseMountFields, resolveMount } from "../mount-spec.ts";
import { renderBytes } from "../option-value.ts";
import { renderMount } from "../render-mount.ts";
import {
  booleanOption,
  bytesOption,
  listOption,
  member,
  type RunDraft,
  type RunOption,
  stringOption,
} from "../run-option.ts";
import { parseSecret, renderSecret } from "../secret-spec.ts";
import { parseStorageDriver } from "../storage-driver.ts";
import { parseStorageSize } from "../storage-size.ts";
import { parseTmpfs, renderTmpfs } from "../tmpfs-spec.ts";
import { parseVolume, renderVolume } from "../volume-spec.ts";
import { parseVolumesFrom } from "../volumes-from.ts";

export const filesystemOptions: readonly RunOption[] = [
  listOption(
    { name: "volume", short: "v", help: "Bind mount a volume" },
    (draft, words, host) =>
      addMounts(
        draft,
        // The same words twice are one volume, as in docker.
        [...new Set(words)].map((word) => parseVolume(word, host.cwd)),
      ),
    (config) => config.mounts.flatMap((mount) => renderVolume(mount) ?? []),
  ),
  listOption(
    {
      name: "mount",
      placeholder: "mount",
      help: "Attach a filesystem mount to the container",
      check: checkMount,
    },
    (draft, words, host) =>
      addMounts(
        draft,
        words.map((word) => resolveMount(parseMountFields(word), host.cwd)),
      ),
    (config) =>
      config.mounts.flatMap((mount) =>
        (renderVolume(mount) ?? renderTmpfs(mount)) ? [] : renderMount(mount),
      ),
  ),
  listOption(
    { name: "tmpfs", help: "Mount a tmpfs directory" },
    (draft, words) => addMounts(draft, words.map(parseTmpfs)),
    (config) => config.mounts.flatMap((mount) => renderTmpfs(mount) ?? []),
  ),
  listOption(
    {
      name: "secret",
      help: "Give a secret to the container (format: <name>[,type=mount|env][,target=...][,uid=...][,gid=...][,mode=...])",
    },
    (draft, words) => {
      draft.config.secrets = words.map(parseSecret);
    },
    (config) => config.secrets?.map(renderSecret),
  ),
  listOption(
    {
      name: "volumes-from",
      help: "Mount volumes from the specified container(s)",
      check: parseVolumesFrom,
    },
    ...member("volumesFrom"),
  ),
  booleanOption(
    { name: "rootfs", help: "Take the first argument as a directory that is the root file system" },
    (draft, value, host) => {
      if (!value) return;
      draft.config.rootfs = true;
      draft.config.image = resolve(host.cwd, draft.config.image);
    },
    (config) => config.rootfs,
  ),
  booleanOption(
    { name: "read-only", help: "Mount the container's root filesystem as read only" },
    ...member("readOnly"),
  ),
  bytesOption(
    { name: "shm-size", help: "Size of /dev/shm" },
    (draft, bytes) => {
      draft.config.shmSizeBytes = bytes === 0 ? defaultShmBytes : bytes;
    },
    (config) => (config.shmSizeBytes === defaultShmBytes ? undefined : config.shmSizeBytes),
  ),
  stringOption(
    {
      name: "storage-driver",
      short: "s",
      help: 'Storage driver for this container ("overlay", "btrfs", "vfs"; the engine\'s when not given)',
    },
    (draft, text) => {
      const driver = parseStorageDriver(text);
      if (driver !== "auto") draft.config.storageDriver = driver;
    },
    (config) => config.storageDriver,
  ),
  listOption(
    {
      name: "storage-opt",
      help: "Storage driver options for the container",
      check: (text) => void parseStorageSize(text),
    },
    (draft, words) => {
      const sizes = words.map(parseStorageSize);
      const last = sizes.at(-1);
      if (last !== undefined) draft.config.storageSizeBytes = last;
    },
    ({ storageSizeBytes: bytes }) => (bytes === undefined ? undefined : [`size=${renderBytes(bytes)}`]),
  ),
  listOption(
    { name: "device", help: "Add a host device to the container" },
    (draft, words) => {
      draft.config.devices = words.filter((word) => !isCdiName(word)).map(parseDevice);
      const names = words.filter(isCdiName);
      if (names.length > 0) draft.config.cdiDevices = names;
    },
    (config) => [...config.devices.map(renderDevice), ...(config.cdiDevices ?? [])],
  ),
  listOption(
    {
      name: "device-cgroup-rule",
      help: "Add a rule to the cgroup allowed devices list",
      check: checkDeviceRule,
    },
    ...member("deviceRules"),
  ),
  listOption(
    {
      name: "gpus",
      placeholder: "gpu-request",
      help: "GPU devices to add to the container ('all' to pass all GPUs)",
      check: (text) => void parseGpus(text),
    },
    (draft, words) => {
      draft.config.gpus = words.map(parseGpus);
    },
    (config) => config.gpus?.map(({ text }) => text),
  ),
  listOption(
    { name: "resolv", help: "", hidden: true, toml: "none", scope: "client" },
    (draft, words, host) => {
      addMounts(
        draft,
        words.map((word) =>
          parseVolume(`${word.startsWith("/") ? "" : "./"}${word}:/etc/resolv.conf:ro`, host.cwd),
        ),
      );
    },
  ),
];

function checkMount(text: string): void {
  parseMountFields(text);
}

function addMounts(draft: RunDraft, mounts: readonly MountConfig[]): void {
  draft.config.mounts = [...draft.config.mounts, ...mounts];
}
