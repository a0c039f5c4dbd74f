/** The own isIP against node:net's, which is too slow to load. */
import { expect, test } from "bun:test";
import { isIP } from "node:net";
import { ipVersion } from "../../../src/config/ip-version.ts";

const texts =
  "1.2.3.4 0.0.0.0 255.255.255.255 256.1.1.1 1.2.3 1.2.3.4.5 01.2.3.4 1.2.3.04 1..2.3 .1.2.3 a.b.c.d 1.2.3.4/8 :: ::1 1:: 1::8 fe80::1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9 1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1::2::3 :::: : 1: :1 12345::1 g::1 ::ffff:1.2.3.4 1:2:3:4:5:6:1.2.3.4 1:2:3:4:5:6:7:1.2.3.4 ::1.2.3.4 ::1.2.3 1.2.3.4::1 1:2:1.2.3.4:5 ::1.2.3.4:: [::1] FE80::A x";

for (const text of ["", ...texts.split(" ")]) {
  test(JSON.stringify(text), () => expect<number>(ipVersion(text)).toBe(isIP(text)));
}

test("zones are not addresses here", () => expect(ipVersion("fe80::1%eth0")).toBe(0));

test("random groups", () => {
  for (let seed = 1; seed < 3000; seed++) {
    const groups = Array.from({ length: seed % 10 }, (_, index) =>
      ((seed * 7919) % (index + 7)).toString(16),
    );
    const text = groups.join(seed % 3 === 0 ? "::" : ":");
    expect<number>(ipVersion(text)).toBe(isIP(text));
  }
});
