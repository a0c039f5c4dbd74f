/**
 * The filters of `ps`: which containers a `--filter` lets through.
 *
 * docker's rules (daemon/list.go): several values of one filter are alternatives, several filters must all hold, and so
 * must all labels; names and ids are regular expressions.
 */
import { BockerError } from "../errors.ts";
import { findContainer, listContainers } from "../state/container.ts";
import { listImages } from "../state/image.ts";
import { listLeases } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import { listPorts } from "../state/port.ts";
import type { ContainerRecord, ImageRecord } from "../state/record.ts";
import { findLocalImage } from "../storage/local-image.ts";
import { loadContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { exposedPorts } from "./exposed-ports.ts";
import { networkModeOf } from "./inspect-host-config.ts";

export const containerFilters = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
] as const;

/** Filter name to its values; every name is one of containerFilters. */
export type ContainerFilters = ReadonlyMap<string, readonly string[]>;

type Test = (record: ContainerRecord) => boolean;

const statuses = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

/** The records that pass, in their order. Throws docker's errors for values that cannot be. */
export function filterContainers(
  engine: Engine,
  records: readonly ContainerRecord[],
  filters: ContainerFilters,
): readonly ContainerRecord[] {
  const tests = [...filters].map(([name, values]) => testFor(engine, name, values));
  return records.filter((record) => tests.every((test) => test(record)));
}

function testFor(engine: Engine, name: string, values: readonly string[]): Test {
  switch (name) {
    case "name":
      return nameTest(values);
    case "id":
      return patternTest(values, ({ id }) => [id]);
    case "label":
      return labelTest(engine, values);
    case "status":
      return statusTest(values);
    case "exited":
      return exitedTest(values);
    case "ancestor":
      return ancestorTest(engine, values);
    case "before":
      return orderTest(engine, values, (position, other) => position > other);
    case "since":
      return orderTest(engine, values, (position, other) => position < other);
    case "volume":
      return (record) => values.some((value) => hasVolume(record, value));
    case "network":
      return networkTest(engine, values);
    case "publish":
      return publishTest(engine, values);
    case "expose":
      return exposeTest(engine, values);
    case "is-task":
      return taskTest(values);
    case "health":
      return healthTest(values);
    default:
      throw new TypeError(`no filter "${name}"`);
  }
}

function nameTest(values: readonly string[]): Test {
  return patternTest(values, ({ name }) => [name, `/${name}`]);
}

/** A value that is no regular expression is compared as it is, as in docker. */
function patternTest(
  values: readonly string[],
  textsOf: (record: ContainerRecord) => readonly string[],
): Test {
  const patterns = values.map((value) => compile(value) ?? { test: (text: string) => text === value });
  return (record) => textsOf(record).some((text) => patterns.some((pattern) => pattern.test(text)));
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(source, "u");
  } catch {
    return undefined;
  }
}

/** The image's labels are the container's too. */
function labelTest(engine: Engine, values: readonly string[]): Test {
  return (record) => {
    const labels = { ...loadContainerImage(engine, record).config.Labels, ...record.config.labels };
    return values.every((value) => {
      const equals = value.indexOf("=");
      const key = equals < 0 ? value : value.slice(0, equals);
      if (!Object.hasOwn(labels, key)) return false;
      return equals < 0 || labels[key] === value.slice(equals + 1);
    });
  };
}

function statusTest(values: readonly string[]): Test {
  for (const value of values) {
    if (!statuses.includes(value)) {
      throw new BockerError(`invalid filter 'status=${value}'`, {
        kind: "invalid-config",
        hint: `one of ${statuses.join(", ")}`,
      });
    }
  }
  return ({ status }) => values.includes(status);
}

function exitedTest(values: readonly string[]): Test {
  const codes = values.map((value) => {
    if (/^[+-]?\d+$/.test(value)) return Number(value);
    throw new BockerError(
      `invalid filter 'exited=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`,
      { kind: "invalid-config" },
    );
  });
  return (record) =>
    record.init === undefined && record.startedAtMs !== undefined && codes.includes(record.exitCode);
}

/** The image itself, and those that are made of it: their layers begin with its own. */
function ancestorTest(engine: Engine, values: readonly string[]): Test {
  const ancestors = values.flatMap((value) => findLocalImage(engine.state, value) ?? []);
  const images = listImages(engine.state).filter((image) =>
    ancestors.some((ancestor) => isMadeOf(image, ancestor)),
  );
  const ids = new Set(images.map(({ id }) => id));
  return ({ imageId }) => ids.has(imageId);
}

function isMadeOf(image: ImageRecord, ancestor: ImageRecord): boolean {
  if (image.id === ancestor.id) return true;
  const { layers } = ancestor;
  return (
    layers.length > 0 &&
    layers.length < image.layers.length &&
    layers.every((layer, index) => image.layers[index] === layer)
  );
}

/** Positions in the list of all, newest first. Throws docker's `No such container`. */
function orderTest(
  engine: Engine,
  values: readonly string[],
  isWanted: (position: number, other: number) => boolean,
): Test {
  const positions = new Map(listContainers(engine.state).map(({ id }, index) => [id, index]));
  const others = values.map((value) => positions.get(findContainer(engine.state, value).id) ?? 0);
  return ({ id }) => others.every((other) => isWanted(positions.get(id) ?? 0, other));
}

/** By name, by where it is in the container, or by what is mounted there. */
function hasVolume({ config, anonymousVolumes }: ContainerRecord, wanted: string): boolean {
  return (
    anonymousVolumes.includes(wanted) ||
    config.mounts.some((mount) => {
      if (mount.target === wanted) return mount.type !== "tmpfs";
      if (mount.type === "volume") return mount.name === wanted;
      return mount.type === "bind" && mount.source === wanted;
    })
  );
}

/** A name, or the beginning of an id. */
function networkTest(engine: Engine, values: readonly string[]): Test {
  const networks = listNetworks(engine.state);
  const wanted = networks.filter(({ id, name }) =>
    values.some((value) => name === value || (value !== "" && id.startsWith(value))),
  );
  const ids = new Set(wanted.map(({ id }) => id));
  const names = new Set([...values, ...wanted.map(({ name }) => name)]);
  const members = new Set(
    listLeases(engine.state).flatMap((lease) => (ids.has(lease.networkId) ? [lease.containerId] : [])),
  );
  return ({ id, config }) => {
    const asked =
      config.networks.length === 0 ? [networkModeOf(config)] : config.networks.map(({ name }) => name);
    return members.has(id) || asked.some((name) => names.has(name));
  };
}

type Port = ReturnType<typeof listPorts>[number];

function publishTest(engine: Engine, values: readonly string[]): Test {
  const wanted = new Set(values.flatMap((value) => portKeys("publish", value)));
  const keyOf = (port: Port) => `${port.hostPort}/${port.protocol}`;
  const ids = new Set(
    listPorts(engine.state).flatMap((port) => (wanted.has(keyOf(port)) ? [port.containerId] : [])),
  );
  return ({ id }) => ids.has(id);
}

/** What the image or --expose names, and what is published. */
function exposeTest(engine: Engine, values: readonly string[]): Test {
  const wanted = new Set(values.flatMap((value) => portKeys("expose", value)));
  return (record) => {
    const named = exposedPorts(record.config, loadContainerImage(engine, record).config);
    return [...named, ...record.config.ports].some(({ containerPort, protocol }) =>
      wanted.has(`${containerPort}/${protocol}`),
    );
  };
}

/** `80`, `80/udp`, `8000-8010/tcp` to `80/tcp` … */
function portKeys(name: string, value: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(value);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? first);
  if (match === null || last < first || last > 65_535) {
    throw new BockerError(`invalid filter '${name}=${value}'`, {
      kind: "invalid-config",
      hint: "a port or a range, as in 80, 53/udp or 8000-8010",
    });
  }
  const protocol = match[3]?.toLowerCase() ?? "tcp";
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

/** There are no swarms here. */
function taskTest(values: readonly string[]): Test {
  const wanted = values.map((value) => {
    if (/^(1|true)$/i.test(value)) return true;
    if (/^(0|false)$/i.test(value)) return false;
    throw new BockerError(`invalid filter 'is-task=${value}'`, { kind: "invalid-config" });
  });
  return () => wanted.includes(false);
}

const healths = ["none", "starting", "healthy", "unhealthy"];

function healthTest(values: readonly string[]): Test {
  const unknown = values.find((value) => !healths.includes(value));
  if (unknown !== undefined) {
    throw new BockerError(`invalid filter 'health=${unknown}'`, {
      kind: "invalid-config",
      hint: `one of ${healths.join(", ")}`,
    });
  }
  return ({ health, init }) => {
    if (health === undefined) return values.includes("none");
    return values.includes(init === undefined ? "unhealthy" : health.status);
  };
}
