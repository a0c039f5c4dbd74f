/**
 * A UDP datagram as a whole IPv4 packet, for a raw socket: its sender is an address and port that no socket need have.
 * Pure; RFC 791 section 3.1 and RFC 768. The kernel fills in the lengths and the checksum of the IP header.
 */
import { sockaddrInBytes } from "../../ffi/inet-socket.ts";

const ipHeaderBytes = 20;
const headerBytes = ipHeaderBytes + 8;
const IPPROTO_UDP = 17;

/** What is sent, and the struct sockaddr_in it is sent to. */
export interface ReplyPacket {
  readonly packet: Uint8Array;
  readonly to: Uint8Array;
}

/** `from`: four bytes; `client`: the sender's sockaddr_in, as recvfrom gave it. */
export function encodeReplyPacket(
  from: Uint8Array,
  fromPort: number,
  client: Uint8Array,
  payload: Uint8Array,
): ReplyPacket {
  const packet = new Uint8Array(headerBytes + payload.byteLength);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  packet[8] = 64;
  packet[9] = IPPROTO_UDP;
  packet.set(from, 12);
  packet.set(client.subarray(4, 8), 16);
  view.setUint16(ipHeaderBytes, fromPort);
  packet.set(client.subarray(2, 4), ipHeaderBytes + 2);
  view.setUint16(ipHeaderBytes + 4, 8 + payload.byteLength);
  // A checksum of 0 says that there is none, as IPv4 allows; it never leaves the machine.
  packet.set(payload, headerBytes);
  const to = new Uint8Array(sockaddrInBytes);
  to.set(client.subarray(0, 2));
  to.set(client.subarray(4, 8), 4);
  return { packet, to };
}
