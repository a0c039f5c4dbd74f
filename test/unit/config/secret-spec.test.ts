/** `--secret` as podman reads it, and back. */
import { describe, expect, test } from "bun:test";
import { parseSecret, renderSecret } from "../../../src/config/secret-spec.ts";

const mounted = {
  type: "mount",
  name: "db",
  target: "/run/secrets/db",
  uid: 0,
  gid: 0,
  mode: 0o444,
} as const;

describe("words", () => {
  const words: readonly (readonly [string, ReturnType<typeof parseSecret>])[] = [
    ["db", mounted],
    ["source=db", mounted],
    ["db,type=mount", mounted],
    ["type=mount,source=db", mounted],
    ["db,target=other", { ...mounted, target: "/run/secrets/other" }],
    ["db,target=/etc/x", { ...mounted, target: "/etc/x" }],
    ["db,target=../x", { ...mounted, target: "/run/x" }],
    ["db,uid=1000,gid=5,mode=0400", { ...mounted, uid: 1000, gid: 5, mode: 0o400 }],
    ["db,UID=1000,GID=5", { ...mounted, uid: 1000, gid: 5 }],
    ["db,mode=777", { ...mounted, mode: 0o777 }],
    ["db,type=env", { type: "env", name: "db", variable: "db" }],
    ["db,type=env,target=PASSWORD", { type: "env", name: "db", variable: "PASSWORD" }],
  ];
  for (const [word, secret] of words) {
    test(word, () => {
      expect(parseSecret(word)).toEqual(secret);
      expect(parseSecret(renderSecret(secret))).toEqual(secret);
    });
  }
});

describe("refusals are podman's", () => {
  const refusals: readonly (readonly [string, string])[] = [
    ["", "no source found : error parsing secret"],
    ["target=x", "no source found target=x: error parsing secret"],
    ["db,type=file", "type file is invalid: error parsing secret"],
    ["db,nonsense=1", "option nonsense invalid: error parsing secret"],
    ["db,ro", "option ro must be in form option=value: error parsing secret"],
    ["db,uid=root", "UID root invalid: error parsing secret"],
    ["db,gid=4294967295", "GID 4294967295 invalid: error parsing secret"],
    ["db,mode=8", "mode 8 invalid: error parsing secret"],
    ["db,mode=10000", "mode 10000 invalid: error parsing secret"],
    ["db,target=/", "target / is no file: error parsing secret"],
    ["db,type=env,target=A=B", "target A=B is no variable's name: error parsing secret"],
    [
      "db,type=env,mode=0400",
      "UID, GID, Mode options cannot be set with secret type env: error parsing secret",
    ],
  ];
  for (const [word, reason] of refusals) test(word, () => expect(() => parseSecret(word)).toThrow(reason));
});
