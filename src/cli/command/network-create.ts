import { createNetwork } from "../../engine/create-network.ts";
import { BockerError } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { keyValues } from "../key-value.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** `bocker network create`: a network with names, and a subnet that is nobody's. */
export const command: CommandSpec = {
  name: "network create",
  summary: "Create a network",
  usage: "[OPTIONS] NETWORK [SUBNET]",
  options: [
    { name: "attachable", kind: "boolean", help: "Enable manual container attachment" },
    {
      name: "aux-address",
      kind: "map",
      help: "Auxiliary IPv4 or IPv6 addresses used by Network driver",
    },
    {
      name: "driver",
      short: "d",
      kind: "string",
      help: "Driver to manage the Network: bridge, macvlan or ipvlan",
      defaultText: '"bridge"',
    },
    {
      name: "gateway",
      kind: "list",
      placeholder: "strings",
      help: "IPv4 or IPv6 Gateway for the master subnet",
    },
    { name: "ignore", kind: "boolean", help: "Do nothing if a network of that name exists" },
    { name: "internal", kind: "boolean", help: "Restrict external access to the network" },
    {
      name: "ip-range",
      kind: "list",
      placeholder: "strings",
      help: "Allocate container ip from a sub-range",
    },
    { name: "ipam-driver", kind: "string", help: "IP Address Management Driver", defaultText: '"default"' },
    {
      name: "ipv4",
      kind: "boolean",
      help: "Enable or disable IPv4 address assignment",
      defaultText: "true",
    },
    { name: "ipv6", kind: "boolean", help: "Enable or disable IPv6 address assignment" },
    { name: "label", kind: "list", help: "Set metadata on a network" },
    { name: "opt", short: "o", kind: "map", help: "Set driver specific options" },
    { name: "scope", kind: "string", help: "Control the network's scope" },
    { name: "config-from", kind: "string", hidden: true, help: "" },
    { name: "config-only", kind: "boolean", hidden: true, help: "" },
    { name: "ingress", kind: "boolean", hidden: true, help: "" },
    { name: "ipam-opt", kind: "map", hidden: true, help: "" },
    {
      name: "subnet",
      short: "s",
      kind: "list",
      placeholder: "strings",
      help: "Subnet in CIDR format that represents a network segment",
    },
  ],
  example: "bocker network create --subnet 10.7.0.0/24 --gateway 10.7.0.1 backend",
  minArguments: 1,
  maxArguments: 2,
  run: create,
};

async function create(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  requireOnly(parsed, "ipam-driver", "default", "IPAM driver");
  requireOnly(parsed, "scope", "local", "scope");
  refuseUnsupported(parsed);
  const [name = "", subnet] = parsed.positionals;
  const subnets = [...parsed.list("subnet"), ...(subnet === undefined ? [] : [subnet])];
  const engine = await openEngineFor(context);
  const id = createNetwork(engine, {
    name,
    ignoreExisting: parsed.boolean("ignore"),
    driver: parsed.string("driver") ?? "bridge",
    ipam: {
      subnets: splitWords(subnets),
      ipRanges: splitWords(parsed.list("ip-range")),
      gateways: splitWords(parsed.list("gateway")),
      auxAddresses: keyValues(parsed.list("aux-address")),
    },
    ipv6: parsed.boolean("ipv6"),
    internal: parsed.boolean("internal"),
    attachable: parsed.boolean("attachable"),
    labels: keyValues(parsed.list("label")),
    options: keyValues(parsed.list("opt")),
  });
  context.out.write(`${id}\n`);
  return 0;
}

/** What docker has for swarms, its own IPAM plugins, and networks of IPv6 alone. */
function refuseUnsupported(parsed: ParsedArguments): void {
  if (parsed.has("ipv4") && !parsed.boolean("ipv4"))
    throw unsupported(
      parsed.boolean("ipv6") ? "networks without IPv4 are not supported" : "IPv4 or IPv6 must be enabled",
    );
  if (parsed.boolean("ingress")) throw unsupported("Ingress network can only be global scope network");
  if (parsed.boolean("config-only") || parsed.has("config-from"))
    throw unsupported("networks that are a configuration for others (--config-only) are not supported");
  const [option] = parsed.list("ipam-opt");
  if (option !== undefined)
    throw unsupported(`invalid IPAM option "${option}": the driver "default" has none`);
}

function unsupported(message: string): BockerError {
  return new BockerError(message, { kind: "unsupported" });
}

/** docker's "strings" may be one word with commas. */
function splitWords(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => word.split(","));
}

function requireOnly(parsed: ParsedArguments, option: string, only: string, what: string): void {
  const value = parsed.string(option);
  if (value === undefined || value === only) return;
  throw unsupported(`invalid ${what} "${value}": only "${only}" is known`);
}
