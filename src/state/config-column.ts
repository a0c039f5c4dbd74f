/**
 * The config of a container as it comes back from the database: possibly written by an older bocker, which did
 * not know every key. Missing keys get the value that means "nothing was asked for".
 */
import type { ContainerConfig } from "../config/container-config.ts";

const nothingAsked: ContainerConfig = {
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
  shmSizeBytes: 64 * 1024 * 1024,
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
  log: { driver: "json-file", maxSizeBytes: 10 * 1024 * 1024, maxFiles: 3 },
};

/** A whole ContainerConfig from what was stored; a key whose value has the wrong shape counts as missing. */
export function completeConfig(stored: Readonly<Record<string, unknown>>): ContainerConfig {
  const complete: Record<string, unknown> = { ...stored };
  for (const [key, fallback] of Object.entries(nothingAsked)) {
    if (!hasShapeOf(fallback, stored[key])) complete[key] = fallback;
  }
  return complete as unknown as ContainerConfig;
}

function hasShapeOf(example: unknown, value: unknown): boolean {
  if (Array.isArray(example) || Array.isArray(value)) return Array.isArray(example) && Array.isArray(value);
  return typeof example === typeof value && value !== null;
}
