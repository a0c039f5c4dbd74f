/**
 * Addresses as the kernel wants them: text to bytes in network order. See inet_pton(3).
 */

/** `172.17.0.2` to 4 bytes. Throws RangeError for anything else. */
export function parseInet(text: string): Uint8Array {
  const parts = text.split(".");
  const valid = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
  if (!valid) throw new RangeError(`invalid IPv4 address "${text}"`);
  return Uint8Array.from(parts, Number);
}

/** `fd00::2` to 16 bytes, with `::` and a dotted tail. Throws RangeError for anything else. */
export function parseInet6(text: string): Uint8Array {
  const halves = text.split("::");
  const head = groupsOf(halves[0] ?? "");
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? "") : [];
  const missing = 8 - head.length - tail.length;
  const valid = halves.length === 2 ? missing >= 1 : missing === 0;
  const groups = [...head, ...new Array<number>(Math.max(0, missing)).fill(0), ...tail];
  if (!valid || halves.length > 2 || groups.some((group) => Number.isNaN(group))) {
    throw new RangeError(`invalid IPv6 address "${text}"`);
  }
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** `02:42:ac:11:00:02` to 6 bytes. Throws RangeError for anything else. */
export function parseHardwareAddress(text: string): Uint8Array {
  const parts = text.split(":");
  if (parts.length !== 6 || !parts.every((part) => /^[0-9a-f]{2}$/i.test(part))) {
    throw new RangeError(`invalid MAC address "${text}"`);
  }
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}

function groupsOf(half: string): number[] {
  if (half === "") return [];
  return half.split(":").flatMap((group) => {
    if (group.includes(".")) {
      const [a = 0, b = 0, c = 0, d = 0] = parseInet(group);
      return [(a << 8) | b, (c << 8) | d];
    }
    return /^[0-9a-f]{1,4}$/i.test(group) ? [Number.parseInt(group, 16)] : [Number.NaN];
  });
}
