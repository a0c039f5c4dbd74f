/**
 * Fields that docker's JSON leaves out when they are empty (`omitempty` in moby's api/types), by name: templates run over its
 * structs, which always have them. `{{if .State.Health}}` is no error for a container without a health check. And fields
 * that are written otherwise in JSON.
 */
import type { TemplateValue } from "./template/value.ts";

export const omittedFields: Readonly<Record<string, TemplateValue>> = {
  // Strings.
  Name: "",
  Driver: "",
  StopSignal: "",
  MacAddress: "",
  Comment: "",
  Runtime: "",
  // Pointers.
  Health: null,
  Healthcheck: null,
  StopTimeout: null,
  Init: null,
  SizeRw: null,
  SizeRootFs: null,
  UsageData: null,
  // Flags.
  ArgsEscaped: false,
  NetworkDisabled: false,
  // Lists and maps.
  Mounts: [],
  Shell: [],
  Annotations: {},
  ExposedPorts: {},
  StorageOpt: {},
  Sysctls: {},
  Tmpfs: {},
};

/**
 * The key of JSON that a field of moby's structs has: `.ID` is `Id`, `.HostConfig.DNS` is `Dns`, `.NanoCPUs` is `NanoCpus`,
 * `.HostIP` is `HostIp`.
 */
export function keyOfField(name: string, map: Readonly<Record<string, TemplateValue>>): string | undefined {
  const key = name.replace(/ID$|DNS|CPU|IP$/g, (word) => `${word[0]}${word.slice(1).toLowerCase()}`);
  return key !== name && Object.hasOwn(map, key) ? key : undefined;
}
