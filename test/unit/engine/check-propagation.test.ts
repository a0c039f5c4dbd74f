import { expect, test } from "bun:test";
import { checkPropagation } from "../../../src/engine/check-propagation.ts";

const mountinfo = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:5 / /usr rw shared:7 - tmpfs tmpfs rw
31 22 0:6 / /etc rw master:7 - tmpfs tmpfs rw
`;

function check(source: string, propagation: string): void {
  const mounts = [{ destination: "/x", type: "bind", source, options: ["rbind", propagation] }];
  checkPropagation({ ociVersion: "1.2.0", mounts }, () => mountinfo);
}

test.each([
  ["/usr", "rshared"],
  ["/usr/lib", "slave"],
  ["/etc", "rslave"],
  ["/", "rprivate"],
])("%s as %s", (source, propagation) => {
  expect(() => check(source, propagation)).not.toThrow();
});

test.each([
  ["/", "rshared", "path / is mounted on / but it is not a shared mount"],
  ["/etc", "shared", "path /etc is mounted on /etc but it is not a shared mount"],
  ["/var", "rslave", "path /var is mounted on / but it is not a shared or slave mount"],
])("%s as %s is refused: nothing would be passed on", (source, propagation, message) => {
  expect(() => check(source, propagation)).toThrow(message);
});
