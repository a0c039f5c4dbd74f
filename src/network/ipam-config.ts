/**
 * `--subnet`, `--ip-range`, `--gateway` and `--aux-address` become one request a subnet, and a request an address pool. Pure.
 *
 * Phrases are docker's: the CLI's where words do not belong together (command/network/create.go), the engine's where one
 * makes no sense by itself (api/types/network/ipam.go).
 */
import { BockerError } from "../errors.ts";
import type { AddressPool } from "../state/record.ts";
import { gatewayOf } from "./address-pool.ts";
import {
  isHostAddress,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  type Subnet,
  subnetContains,
  subnetsOverlap,
} from "./ip-address.ts";

export interface IpamWords {
  readonly subnets: readonly string[];
  readonly ipRanges: readonly string[];
  readonly gateways: readonly string[];
  /** `name=address`. */
  readonly auxAddresses: Readonly<Record<string, string>>;
}

export interface PoolRequest {
  readonly subnet: string;
  readonly ipRange?: string;
  readonly gateway?: string;
  readonly auxAddresses: Readonly<Record<string, string>>;
}

/** One request a subnet. Throws docker's errors for a word that belongs to no subnet, or to one that has its like. */
export function joinIpamWords(words: IpamWords): PoolRequest[] {
  if (words.subnets.length < Math.max(words.ipRanges.length, words.gateways.length))
    throw invalid("every ip-range or gateway must have a corresponding subnet");
  const subnets = words.subnets.map((text) =>
    readSubnet(text, `invalid subnet: invalid CIDR address: ${text}`),
  );
  if (subnets.some((subnet, index) => subnets.slice(0, index).some((other) => subnetsOverlap(subnet, other))))
    throw invalid("multiple overlapping subnet configuration is not supported");
  const ranges = assign(words, subnets, words.ipRanges, "range");
  const gateways = assign(words, subnets, words.gateways, "gateway");
  const aux = Object.entries(words.auxAddresses).map(([name, address]) => ({
    name,
    address,
    index: indexOfSubnet(subnets, address, "aux-address"),
  }));
  return words.subnets.map((subnet, index) => ({
    subnet,
    ...(ranges[index] === undefined ? {} : { ipRange: ranges[index] }),
    ...(gateways[index] === undefined ? {} : { gateway: gateways[index] }),
    auxAddresses: Object.fromEntries(
      aux.filter((each) => each.index === index).map(({ name, address }) => [name, address]),
    ),
  }));
}

/**
 * The pool of a request, every text canonical, the gateway the first address unless another was asked for. Throws docker's
 * "invalid network config".
 */
export function planPool(request: PoolRequest): AddressPool {
  const subnet = checkedSubnet(request.subnet);
  const gateway = request.gateway === undefined ? gatewayOf(subnet) : checkedGateway(subnet, request.gateway);
  const range = request.ipRange === undefined ? undefined : checkedRange(subnet, request.ipRange);
  const auxAddresses = Object.entries(request.auxAddresses).map(([name, address]) => [
    name,
    checkedAux(subnet, address),
  ]);
  const taken = [gateway, ...auxAddresses.map(([, address]) => address)];
  const twice = taken.find((address, index) => taken.indexOf(address) !== index);
  if (twice !== undefined) {
    throw new BockerError(`failed to allocate secondary ip address (${twice}): Address already in use`, {
      kind: "conflict",
    });
  }
  return {
    subnet: renderSubnet(subnet),
    gateway,
    ...(range === undefined ? {} : { ipRange: range }),
    auxAddresses: Object.fromEntries(auxAddresses),
  };
}

/** For each subnet the word that lies in it; a second one is an error. */
function assign(
  { subnets: texts }: IpamWords,
  subnets: readonly Subnet[],
  words: readonly string[],
  what: "range" | "gateway",
): (string | undefined)[] {
  const assigned: (string | undefined)[] = subnets.map(() => undefined);
  for (const word of words) {
    const index = indexOfSubnet(subnets, word, what);
    if (assigned[index] !== undefined) {
      const where = what === "range" ? "on the same subnet" : "for the same subnet";
      throw invalid(
        `cannot configure multiple ${what}s (${word}, ${assigned[index]}) ${where} (${texts[index]})`,
      );
    }
    assigned[index] = word;
  }
  return assigned;
}

function indexOfSubnet(subnets: readonly Subnet[], word: string, what: string): number {
  const [text = ""] = word.split("/");
  const address = parseAddress(text);
  const index = address === undefined ? -1 : subnets.findIndex((subnet) => subnetContains(subnet, address));
  if (index < 0) throw invalid(`no matching subnet for ${what} ${word}`);
  return index;
}

function checkedSubnet(text: string): Subnet {
  const subnet = readSubnet(text, configProblem(`invalid subnet ${text}: invalid CIDR block notation`));
  if (renderSubnet(subnet).split("/")[0] !== canonical(text))
    throw invalid(configProblem(`invalid subnet ${text}: it should be ${renderSubnet(subnet)}`));
  return subnet;
}

function checkedRange(subnet: Subnet, text: string): string {
  const problem = (reason: string) => configProblem(`invalid ip-range ${text}: ${reason}`);
  const range = readSubnet(text, problem("invalid CIDR block notation"));
  if (range.family !== subnet.family) throw invalid(problem(`parent subnet is an IPv${subnet.family} block`));
  if (range.prefixLength < subnet.prefixLength)
    throw invalid(problem(`CIDR block is bigger than its parent subnet ${renderSubnet(subnet)}`));
  if (renderSubnet(range).split("/")[0] !== canonical(text))
    throw invalid(problem(`it should be ${renderSubnet(range)}`));
  if (!subnetsOverlap(range, subnet))
    throw invalid(problem(`parent subnet ${renderSubnet(subnet)} doesn't contain ip-range`));
  return renderSubnet(range);
}

function checkedGateway(subnet: Subnet, text: string): string {
  const problem = (reason: string) => configProblem(`invalid gateway ${text}: ${reason}`);
  gatewayOf(subnet);
  const address = checkedAddress(subnet, text, problem);
  if (!isHostAddress(subnet, address)) throw invalid(problem("it is the address of the subnet itself"));
  return renderAddress(address);
}

function checkedAux(subnet: Subnet, text: string): string {
  return renderAddress(
    checkedAddress(subnet, text, (reason) => configProblem(`invalid auxiliary address ${text}: ${reason}`)),
  );
}

function checkedAddress(subnet: Subnet, text: string, problem: (reason: string) => string) {
  const address = parseAddress(text);
  if (address === undefined) throw invalid(problem("invalid address"));
  if (!subnetContains(subnet, address))
    throw invalid(problem(`parent subnet ${renderSubnet(subnet)} doesn't contain this address`));
  return address;
}

function readSubnet(text: string, problem: string): Subnet {
  try {
    return parseSubnet(text, true);
  } catch {
    throw invalid(problem);
  }
}

/** The address of a valid CIDR text. */
function canonical(cidr: string): string | undefined {
  const address = parseAddress(cidr.split("/")[0] ?? "");
  return address === undefined ? undefined : renderAddress(address);
}

function configProblem(problem: string): string {
  return `invalid network config:\n${problem}`;
}

function invalid(message: string): BockerError {
  return new BockerError(message, { kind: "invalid-config" });
}
