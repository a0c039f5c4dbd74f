/** Where credentials are put: beside what others wrote, whole or not at all, for nobody else to read. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerHub, parseRegistry } from "../../../src/image/reference.ts";
import { loadCredential } from "../../../src/registry/credential.ts";
import { eraseCredential, storeCredential } from "../../../src/registry/credential-store.ts";

const registry = parseRegistry("registry.example:5000");
const ann = { username: "ann", password: "pass:with:colons ü" };
let base: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "bocker-credential-"));
  folder = join(base, "docker");
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const config = () => JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));

describe("storeCredential", () => {
  test("what is stored is loaded; folder and file are private; nothing else is left", () => {
    expect(storeCredential(registry, ann, folder)).toEqual({ clearIn: join(folder, "config.json") });
    expect(loadCredential(registry, folder)).toEqual({ kind: "password", ...ann });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "config.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["config.json"]);
  });

  test("Docker Hub has its old key", () => {
    storeCredential(dockerHub, ann, folder);
    expect(Object.keys(config().auths)).toEqual(["https://index.docker.io/v1/"]);
    expect(loadCredential(dockerHub, folder)).toEqual({ kind: "password", ...ann });
  });

  test("other keys and other registries stay, the mode gets narrow", () => {
    mkdirSync(folder);
    const before = {
      detachKeys: "ctrl-x",
      auths: { "other:1": { auth: "eDp5" } },
      unknown: [1, { a: null }],
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify(before), { mode: 0o644 });
    storeCredential(registry, ann, folder);
    storeCredential(registry, { ...ann, password: "new" }, folder);
    const auth = Buffer.from("ann:new").toString("base64");
    expect(config()).toEqual({ ...before, auths: { ...before.auths, [registry]: { auth } } });
    expect(statSync(join(folder, "config.json")).mode & 0o777).toBe(0o600);
  });

  test("a link stays a link", () => {
    mkdirSync(folder);
    writeFileSync(join(base, "real.json"), "{}");
    symlinkSync(join(base, "real.json"), join(folder, "config.json"));
    storeCredential(registry, ann, folder);
    expect(lstatSync(join(folder, "config.json")).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(join(base, "real.json"), "utf8")).auths).toHaveProperty([registry]);
  });

  test.each([
    "not json",
    "[]",
    '{"auths":[]}',
    '{"credsStore":7}',
    '{"credHelpers":{"registry.example:5000":7}}',
  ])("a damaged file (%s) is an error and is left alone", (text) => {
    mkdirSync(folder);
    writeFileSync(join(folder, "config.json"), text);
    expect(() => storeCredential(registry, ann, folder)).toThrow("config.json");
    expect(readFileSync(join(folder, "config.json"), "utf8")).toBe(text);
  });

  test("a helper's name that is a path is refused", () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "config.json"), '{"credsStore":"../../bin/sh"}');
    expect(() => storeCredential(registry, ann, folder)).toThrow('invalid credential helper "../../bin/sh"');
    writeFileSync(join(folder, "config.json"), '{"credsStore":"not-there-at-all"}');
    expect(() => storeCredential(registry, ann, folder)).toThrow("docker-credential-not-there-at-all");
  });

  test("of ten processes at once, none gets lost", async () => {
    const script = join(base, "store.ts");
    const source = join(import.meta.dir, "../../../src");
    writeFileSync(
      script,
      `import { storeCredential } from "${source}/registry/credential-store.ts";
       const [folder, name] = process.argv.slice(2);
       storeCredential(name, { username: "u", password: "p" }, folder);`,
    );
    const names = Array.from({ length: 10 }, (_, index) => `host${index}:5000`);
    const children = names.map((name) =>
      Bun.spawn([process.execPath, script, folder, name], { stderr: "inherit" }),
    );
    expect(await Promise.all(children.map((child) => child.exited))).toEqual(names.map(() => 0));
    expect(Object.keys(config().auths).sort()).toEqual(names);
  }, 60_000);
});

describe("eraseCredential", () => {
  test("takes the registry away in every spelling, and nothing else", () => {
    mkdirSync(folder);
    const auths = { [registry]: {}, [`https://${registry}`]: {}, [`http://${registry}`]: {}, "other:1": {} };
    writeFileSync(join(folder, "config.json"), JSON.stringify({ auths, keep: true }));
    eraseCredential(registry, folder);
    expect(config()).toEqual({ auths: { "other:1": {} }, keep: true });
  });

  test("without a file, none is made; what is not there leaves the file as it was", () => {
    eraseCredential(registry, folder);
    expect(existsSync(folder)).toBe(false);
    mkdirSync(folder);
    writeFileSync(join(folder, "config.json"), '{ "auths": { } }');
    eraseCredential(registry, folder);
    expect(readFileSync(join(folder, "config.json"), "utf8")).toBe('{ "auths": { } }');
  });
});
