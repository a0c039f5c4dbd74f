/**
 * Options of run and create about the network: networks, ports, name resolution.
 */
import { checkNetworkName, parseNetwork, renderNetwork } from "../network-spec.ts";
import { parseExposedPorts, parsePorts, renderPort } from "../port-spec.ts";
import { booleanOption, listOption, member, type RunOption, stringOption } from "../run-option.ts";
import { checkHostEntry, checkIpAddress, checkSearchDomain } from "../value-check.ts";
import { endpointOptions } from "./endpoint.ts";

export const networkOptions: readonly RunOption[] = [
  listOption(
    {
      name: "network",
      aliases: ["net"],
      placeholder: "network",
      help: "Connect a container to a network",
      check: parseNetwork,
    },
    (draft, words) => {
      const networks = words.map(parseNetwork);
      for (const network of networks) checkNetworkName(network.name);
      draft.config.networks = networks.map((network) =>
        network.name === "default" ? { ...network, name: "bridge" } : network,
      );
    },
    (config) => config.networks.map(renderNetwork),
  ),
  stringOption(
    { name: "netdriver", help: "", hidden: true, toml: "none", scope: "client" },
    (draft, driver) => {
      if (draft.config.networks.length === 0 || driver !== "bridge")
        draft.config.networks = [{ name: driver, aliases: [] }];
    },
  ),
  stringOption(
    { name: "container", help: "", hidden: true, toml: "none", scope: "client" },
    (draft, container) => {
      const [network] = draft.config.networks;
      if (network?.name !== "container") throw new Error("--container goes with --netdriver container");
      draft.config.networks = [{ name: `container:${container}`, aliases: [] }];
    },
  ),
  ...endpointOptions,
  listOption(
    {
      name: "publish",
      short: "p",
      aliases: ["port"],
      help: "Publish a container's port(s) to the host",
    },
    (draft, words) => {
      draft.config.ports = words.flatMap(parsePorts);
    },
    (config) => config.ports.map(renderPort),
  ),
  booleanOption(
    { name: "publish-all", short: "P", help: "Publish all exposed ports to random ports" },
    (draft, on) => {
      if (on) draft.config.publishAll = true;
      else delete draft.config.publishAll;
    },
    (config) => config.publishAll,
  ),
  listOption(
    { name: "expose", help: "Expose a port or a range of ports", check: parseExposedPorts },
    ...member("expose"),
  ),
  listOption(
    { name: "dns", help: "Set custom DNS servers", check: checkIpAddress },
    (draft, words) => {
      draft.config.dns = words.map(checkIpAddress);
    },
    (config) => config.dns,
  ),
  listOption(
    { name: "dns-search", help: "Set custom DNS search domains", check: checkSearchDomain },
    (draft, words) => {
      draft.config.dnsSearch = words.map(checkSearchDomain);
    },
    (config) => config.dnsSearch,
  ),
  listOption(
    { name: "dns-option", aliases: ["dns-opt"], help: "Set DNS options", check: checkDnsOption },
    ...member("dnsOptions"),
  ),
  listOption(
    { name: "add-host", help: "Add a custom host-to-IP mapping (host:ip)", check: checkHostEntry },
    (draft, words) => {
      draft.config.addHosts = words.map(checkHostEntry);
    },
    (config) => config.addHosts,
  ),
  booleanOption(
    { name: "no-hosts", help: "Leave the image's /etc/hosts as it is" },
    (draft, on) => {
      if (on) draft.config.noHosts = true;
    },
    (config) => config.noHosts ?? false,
  ),
];

/** One word of resolv.conf's `options` line. */
function checkDnsOption(text: string): void {
  if (!/^[a-zA-Z0-9_:.-]+$/.test(text)) throw new Error(`invalid DNS option: ${text}`);
}
