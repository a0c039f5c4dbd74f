/**
 * Answering from the name table. Pure but for whose turn it is among several containers of one name.
 *
 * A name that is known is known for every type of record: asked for one that it does not have, the answer is an empty
 * NOERROR and not NXDOMAIN, which would be said of the name as such (RFC 8020).
 */
import {
  classInternet,
  type DnsAnswer,
  type DnsQuery,
  type DnsReply,
  dnsCode,
  dnsType,
} from "./dns-message.ts";
import type { NamedAddresses, NameTable } from "./name-table.ts";

/** docker's: names move with their containers, and nobody keeps them longer than a lookup anyway. */
const ttlSeconds = 600;
let turn = 0;

/** The reply for a name of ours; undefined when others are to be asked. */
export function answerQuery({ question, edns }: DnsQuery, table: NameTable): DnsReply | undefined {
  if (edns !== undefined && edns.version > 0) return { code: dnsCode.BADVERS, answers: [], ttlSeconds };
  if (question.class !== classInternet && question.class !== dnsType.ANY) return undefined;
  const found = table.addresses.get(question.name);
  if (found !== undefined) {
    return { code: dnsCode.NOERROR, answers: answersFor(question.type, found), ttlSeconds };
  }
  const pointer = question.type === dnsType.PTR ? table.pointers.get(question.name) : undefined;
  if (pointer === undefined) return undefined;
  return { code: dnsCode.NOERROR, answers: [{ type: dnsType.PTR, data: pointer }], ttlSeconds };
}

function answersFor(type: number, { ipv4, ipv6 }: NamedAddresses): DnsAnswer[] {
  const all = type === dnsType.ANY;
  return [
    ...(all || type === dnsType.A ? inTurn(ipv4).map((data) => ({ type: dnsType.A, data })) : []),
    ...(all || type === dnsType.AAAA ? inTurn(ipv6).map((data) => ({ type: dnsType.AAAA, data })) : []),
  ];
}

/** Each answer begins with another one: clients take the first. */
function inTurn(addresses: readonly Uint8Array[]): readonly Uint8Array[] {
  if (addresses.length < 2) return addresses;
  const start = turn++ % addresses.length;
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}
