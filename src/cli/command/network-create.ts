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
    { name: "internal", kind: "boolean", help: "Restrict external access to the network" },
    {
      name: "ip-range",
      kind: "list",
      placeholder: "strings",
      help: "Allocate container ip from a sub-range",
    },
    { name: "ipam-driver", kind: "string", help: "IP Address Management Driver", defaultText: '"default"' },
    { name: "ipv6", kind: "boolean", help: "Enable or disable IPv6 address assignment" },
    { name: "label", kind: "list", help: "Set metadata on a network" },
    { name: "opt", short: "o", kind: "map", help: "Set driver specific options" },
    { name: "scope", kind: "string", help: "Control the network's scope" },
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
  const [name = "", subnet] = parsed.positionals;
  const subnets = [...parsed.list("subnet"), ...(subnet === undefined ? [] : [subnet])];
  const engine = await openEngineFor(context);
  const id = createNetwork(engine, {
    name,
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

/** docker's "strings" may be one word with commas. */
function splitWords(words: readonly string[]): readonly string[] {
  return words.flatMap((word) => word.split(","));
}

function requireOnly(parsed: ParsedArguments, option: string, only: string, what: string): void {
  const value = parsed.string(option);
  if (value === undefined || value === only) return;
  throw new BockerError(`invalid ${what} "${value}": only "${only}" is known`, { kind: "unsupported" });
}
