/**
 * Options of run and create about the container's place in its first network. docker: they are another spelling of the
 * fields of `--network name=…`, and cannot say again what those say (cli/command/container/opts.go).
 */
import type { NetworkConfig } from "../container-config.ts";
import { checkFamily, checkLink } from "../network-spec.ts";
import { listOption, type RunDraft, type RunOption, stringOption } from "../run-option.ts";

export const endpointOptions: readonly RunOption[] = [
  stringOption(
    {
      name: "ip",
      placeholder: "ip",
      help: "IPv4 address (e.g., 172.30.100.104)",
      toml: "none",
      check: checkIpv4,
    },
    (draft, ip) => change(draft, "ip", ip, "--ip and per-network IPv4 address"),
  ),
  stringOption(
    {
      name: "ip6",
      placeholder: "ip",
      help: "IPv6 address (e.g., 2001:db8::33)",
      toml: "none",
      check: checkIpv6,
    },
    (draft, ip6) => change(draft, "ip6", ip6, "--ip6 and per-network IPv6 address"),
  ),
  stringOption(
    {
      name: "mac-address",
      help: "Container MAC address (e.g., 92:d0:c6:0a:29:33)",
      toml: "none",
      check: checkMacAddress,
    },
    (draft, text) =>
      change(draft, "macAddress", checkMacAddress(text), "--mac-address and per-network MAC address"),
  ),
  listOption(
    {
      name: "network-alias",
      aliases: ["net-alias"],
      help: "Add network-scoped alias for the container",
      toml: "none",
    },
    (draft, aliases) => {
      if (firstNetwork(draft).aliases.length > 0) throw conflict("--network-alias and per-network alias");
      changeFirst(draft, { aliases });
    },
  ),
  listOption(
    { name: "link-local-ip", help: "", hidden: true, toml: "none", check: refuseLinkLocal },
    () => undefined,
  ),
  listOption(
    { name: "link", help: "Add link to another container", toml: "none", check: checkLink },
    (draft, words) => {
      if (firstNetwork(draft).links !== undefined) throw conflict("--link and per-network links");
      changeFirst(draft, { links: words.map(checkLink) });
    },
  ),
];

function refuseLinkLocal(): void {
  throw new Error("addresses beside the network's own are not supported");
}

function checkIpv4(text: string): void {
  checkFamily(text, 4);
}

function checkIpv6(text: string): void {
  checkFamily(text, 6);
}

function checkMacAddress(text: string): string {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) throw new Error(`${text} is not a valid mac address`);
  return text.toLowerCase().replaceAll("-", ":");
}

function change(draft: RunDraft, key: "ip" | "ip6" | "macAddress", value: string, both: string): void {
  if (firstNetwork(draft)[key] !== undefined) throw conflict(both);
  const { name } = firstNetwork(draft);
  if (key === "macAddress" && (name === "host" || name.startsWith("container:")))
    throw new Error("conflicting options: mac-address and the network mode");
  changeFirst(draft, { [key]: value });
}

function changeFirst(draft: RunDraft, fields: Partial<NetworkConfig>): void {
  const [, ...others] = draft.config.networks;
  draft.config.networks = [{ ...firstNetwork(draft), ...fields }, ...others];
}

function firstNetwork({ config }: RunDraft): NetworkConfig {
  return config.networks[0] ?? { name: "bridge", aliases: [] };
}

function conflict(both: string): Error {
  return new Error(`conflicting options: cannot specify both ${both}`);
}
