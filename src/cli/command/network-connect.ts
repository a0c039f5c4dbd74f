import type { NetworkConfig } from "../../config/container-config.ts";
import {
  checkFamily,
  checkLink,
  checkMac,
  parseDriverOption,
  parsePriority,
} from "../../config/network-spec.ts";
import { connectNetwork } from "../../engine/connect-network.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** `bocker network connect`: one interface more for a container, at once where it runs. */
export const command: CommandSpec = {
  name: "network connect",
  summary: "Connect a container to a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  options: [
    {
      name: "alias",
      kind: "list",
      placeholder: "strings",
      help: "Add network-scoped alias for the container",
    },
    {
      name: "driver-opt",
      kind: "list",
      placeholder: "strings",
      help: "Driver options for the network",
      check: parseDriverOption,
    },
    {
      name: "gw-priority",
      kind: "string",
      placeholder: "int",
      help: "Highest gw-priority provides the default gateway (positive or negative)",
      check: parsePriority,
    },
    {
      name: "ip",
      kind: "string",
      help: 'IPv4 address (e.g., "172.30.100.104")',
      check: (text) => checkFamily(text, 4),
    },
    {
      name: "ip6",
      kind: "string",
      help: 'IPv6 address (e.g., "2001:db8::33")',
      check: (text) => checkFamily(text, 6),
    },
    { name: "link", kind: "list", help: "Add link to another container", check: checkLink },
    { name: "mac-address", kind: "string", help: "MAC address of the interface", check: checkMac },
  ],
  example: "bocker network connect --alias db backend web",
  minArguments: 2,
  maxArguments: 2,
  async run(context, parsed) {
    const [network = "", container = ""] = parsed.positionals;
    await connectNetwork(await openEngineFor(context), requestOf(network, parsed), container);
    return 0;
  },
};

function requestOf(name: string, parsed: ParsedArguments): NetworkConfig {
  const [ip, ip6] = [parsed.string("ip"), parsed.string("ip6")];
  const [mac, priority] = [parsed.string("mac-address"), parsed.string("gw-priority")];
  const links = parsed.list("link").map(checkLink);
  const driverOptions = Object.assign({}, ...parsed.list("driver-opt").map(parseDriverOption));
  return {
    name,
    aliases: parsed.list("alias").flatMap((word) => word.split(",")),
    ...(links.length === 0 ? {} : { links }),
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(mac === undefined ? {} : { macAddress: checkMac(mac) }),
    ...(priority === undefined ? {} : { gatewayPriority: parsePriority(priority) }),
    ...(Object.keys(driverOptions).length === 0 ? {} : { driverOptions }),
  };
}
