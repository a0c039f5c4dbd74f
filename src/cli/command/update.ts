import { newRunDraft } from "../../config/default-config.ts";
import type { OptionSpec } from "../../config/option-spec.ts";
import { parsePorts } from "../../config/port-spec.ts";
import { runOptions } from "../../config/run-options.ts";
import { type UpdateRequest, updateContainer } from "../../engine/update-container.ts";
import { type PortsUpdate, parsePortSelectors, updatePorts } from "../../engine/update-ports.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { forEachContainer } from "./each-container.ts";

/** Those options of run that may change while a container runs. */
const changeable = runOptions.filter(({ name }) =>
  [
    "blkio-weight",
    "blkio-weight-device",
    "cgroup-conf",
    "cpu-period",
    "cpu-quota",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cpu-shares",
    "cpus",
    "cpuset-cpus",
    "cpuset-mems",
    "device-read-bps",
    "device-read-iops",
    "device-write-bps",
    "device-write-iops",
    "memory",
    "memory-reservation",
    "memory-swap",
    "memory-swappiness",
    "pids-limit",
    "restart",
  ].includes(name),
);

/** Of our own: docker's ports are for ever. */
const portOptions: readonly OptionSpec[] = [
  {
    name: "publish",
    short: "p",
    aliases: ["port"],
    kind: "list",
    help: "Publish a container's port(s) to the host",
    check: (text) => void parsePorts(text),
  },
  {
    name: "publish-rm",
    kind: "list",
    help: "Stop publishing a port: the container's, or as given to --publish",
    check: (text) => void parsePortSelectors(text),
  },
];

/** `bocker update`: limits, restart policy and published ports, at once and for later. */
export const command: CommandSpec = {
  name: "update",
  aliases: ["container update"],
  summary: "Update configuration of one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [...changeable, ...portOptions],
  example: "bocker update --cpus 1.5 --publish 8081:80 web",
  minArguments: 1,
  async run(context, parsed) {
    const request = readRequest(context, parsed);
    const engine = await openEngineFor(context);
    return forEachContainer(context, parsed.positionals, async (name) => {
      if (request.ports !== undefined) await updatePorts(engine, name, request.ports);
      if (request.others !== undefined) return updateContainer(engine, name, request.others);
    });
  },
};

interface Request {
  readonly ports?: PortsUpdate;
  readonly others?: UpdateRequest;
}

function readRequest(context: CommandContext, parsed: ParsedArguments): Request {
  const ports = readPorts(parsed);
  const given = changeable.filter(({ name }) => parsed.has(name));
  if (given.length === 0 && ports === undefined) {
    throw new BockerError("you must provide one or more flags when using this command");
  }
  const draft = newRunDraft();
  const host = optionHostOf(context);
  try {
    for (const option of given) option.apply(draft, parsed.raw.get(option.name) ?? "", host);
  } catch (error) {
    throw new BockerError(messageOf(error), { kind: "invalid-config" });
  }
  const { resources, restart } = draft.config;
  const others: UpdateRequest = { resources, ...(parsed.has("restart") ? { restart: restart ?? "no" } : {}) };
  return { ...(ports && { ports }), ...(given.length > 0 && { others }) };
}

function readPorts(parsed: ParsedArguments): PortsUpdate | undefined {
  const publish = parsed.list("publish").flatMap(parsePorts);
  const remove = parsed.list("publish-rm").flatMap(parsePortSelectors);
  return publish.length + remove.length === 0 ? undefined : { publish, remove };
}
