/**
 * A container of which nothing was asked but the image: docker's defaults, except that logs are rotated. Pure.
 */
import type { RunDraft } from "./run-option.ts";

/** 64 MiB, docker's --shm-size. */
export const defaultShmBytes = 64 * 1024 * 1024;
/** Three files of 10 MB: docker's own default, one file without end, fills disks. */
export const defaultLogMaxSizeBytes = 10_000_000;
export const defaultLogMaxFiles = 3;

/** A fresh draft; nothing in it is shared. */
export function newRunDraft(): RunDraft {
  return {
    config: {
      image: "",
      command: [],
      pull: "missing",
      tty: false,
      interactive: false,
      autoRemove: false,
      init: false,
      env: [],
      groupAdd: [],
      labels: {},
      annotations: {},
      mounts: [],
      readOnly: false,
      shmSizeBytes: defaultShmBytes,
      devices: [],
      networks: [],
      ports: [],
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      addHosts: [],
      resources: {},
      ulimits: [],
      sysctls: {},
      privileged: false,
      capAdd: [],
      capDrop: [],
      securityOpt: [],
      log: { driver: "json-file", maxSizeBytes: defaultLogMaxSizeBytes, maxFiles: defaultLogMaxFiles },
    },
    client: {
      detach: false,
      sigProxy: true,
      attach: [],
      quiet: false,
      replace: false,
      dryRun: false,
      discards: [],
    },
    logOptions: [],
  };
}
