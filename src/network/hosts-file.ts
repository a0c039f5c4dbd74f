/**
 * The container's /etc/hosts and /etc/hostname, line for line as docker writes them. Pure.
 */

export interface LinkedHost {
  readonly address: string;
  /** The alias first. */
  readonly names: readonly string[];
}

export interface HostsInput {
  readonly hostname: string;
  readonly domainname?: string;
  /** The container's own addresses; each gets a line with its name. Empty for a container with no network. */
  readonly addresses: readonly string[];
  /** `name:address` or `name:host-gateway`. */
  readonly addHosts: readonly string[];
  /** Other containers, by what this one calls them. */
  readonly links?: readonly LinkedHost[];
  /** What `host-gateway` stands for: the host's address as containers see it. */
  readonly hostGateway: string;
  /** Names for that address, where no resolver knows them; a name that was added is left to the user. */
  readonly hostNames?: readonly string[];
  /** Where the container shares the host's network: the host's file. Names that are added replace it, as in docker. */
  readonly hostText?: string;
  /** IPv6 is off in the container, so that no line leads there. */
  readonly withoutIpv6?: boolean;
}

const standardLines = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** The text of /etc/hosts. */
export function renderHosts(input: HostsInput): string {
  const { hostText, addHosts, hostGateway, withoutIpv6 } = input;
  if (hostText !== undefined && addHosts.length === 0) return `${hostText.trimEnd()}\n`;
  const added = addHosts.map((entry) => renderAddedHost(entry, hostGateway));
  const own = hostText === undefined ? ownLines(input) : [];
  const lines = [...standardLines, ...added, ...linkLines(input), ...hostLine(input), ...own];
  return `${(withoutIpv6 ? lines.filter(isIpv4Line) : lines).join("\n")}\n`;
}

function isIpv4Line(line: string): boolean {
  return !line.slice(0, line.indexOf("\t")).includes(":");
}

/**
 * The same file after the container was connected to a network or taken out of one, or one that it is linked to was started
 * again: the lines of its own addresses and of its links change, and whatever else is in there stays, the container's own
 * edits included.
 */
export function updateHosts(text: string, input: HostsInput): string {
  const own = [...linkLines(input), ...ownLines(input)];
  const aliases = new Set((input.links ?? []).map(({ names }) => names[0]));
  const added = new Set(input.addHosts.map((entry) => renderAddedHost(entry, input.hostGateway)));
  const lines = text.replace(/\n$/, "").split("\n");
  const isKept = (line: string) => {
    const names = line.split("\t").slice(1).join("\t");
    return (
      added.has(line) || own.includes(line) || (names !== namesOf(input) && !aliases.has(names.split(" ")[0]))
    );
  };
  const kept = lines.filter(isKept);
  const missing = own.filter((line) => !kept.includes(line));
  return `${[...kept, ...missing].join("\n")}\n`;
}

function ownLines(input: HostsInput): readonly string[] {
  const lines = input.addresses.map((address) => `${address}\t${namesOf(input)}`);
  return input.withoutIpv6 ? lines.filter(isIpv4Line) : lines;
}

function linkLines({ links = [] }: HostsInput): readonly string[] {
  return links.map(({ address, names }) => `${address}\t${names.join(" ")}`);
}

/** The full name, and its first label, whether that name came in one piece or in two. */
function namesOf({ hostname, domainname }: HostsInput): string {
  const fullName = domainname ? `${hostname}.${domainname}` : hostname;
  const dot = fullName.indexOf(".");
  return dot === -1 ? fullName : `${fullName} ${fullName.slice(0, dot)}`;
}

function hostLine({ hostNames = [], addHosts, hostGateway }: HostsInput): readonly string[] {
  const given = new Set(addHosts.map((entry) => entry.slice(0, entry.search(/[:=]/))));
  const names = hostNames.filter((name) => !given.has(name));
  return names.length === 0 ? [] : [`${hostGateway}\t${names.join(" ")}`];
}

/** The text of /etc/hostname. */
export function renderHostname(hostname: string): string {
  return `${hostname}\n`;
}

/** An IPv6 address has colons of its own: the name ends at the first; docker takes `=` as well, and brackets. */
function renderAddedHost(entry: string, hostGateway: string): string {
  const separator = entry.search(/[:=]/);
  const address = entry.slice(separator + 1).replace(/^\[(.*)\]$/, "$1");
  return `${address === "host-gateway" ? hostGateway : address}\t${entry.slice(0, separator)}`;
}
