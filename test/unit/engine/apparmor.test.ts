/**
 * Which AppArmor profile a container gets, on hosts that are made up of files.
 */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AppArmorHost,
  appArmorNameOf,
  appArmorProfileOf,
} from "../../../src/engine/container-apparmor.ts";
import { renderDefaultProfile } from "../../../src/security/apparmor-profile.ts";

const folder = mkdtempSync(join(tmpdir(), "bocker-apparmor-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Made {
  readonly enabled?: boolean;
  readonly profiles?: string;
  /** What the parser does after it has kept its input. */
  readonly parser?: string;
}

/** A host, and where its parser keeps what it was given. */
function hostWith(name: string, { enabled = true, profiles = "", parser }: Made): [AppArmorHost, string] {
  const at = (file: string) => join(folder, `${name}-${file}`);
  writeFileSync(at("enabled"), enabled ? "Y\n" : "N\n");
  writeFileSync(at("profiles"), profiles);
  if (parser !== undefined) {
    writeFileSync(
      at("parser"),
      `#!/bin/sh\necho "$@" > ${at("loaded")}\ncat >> ${at("loaded")}\n${parser}\n`,
    );
    chmodSync(at("parser"), 0o755);
  }
  return [
    { enabledFile: at("enabled"), profilesFile: at("profiles"), parsers: [at("parser")] },
    at("loaded"),
  ];
}

const plain = { securityOpt: [], privileged: false };

test("a host with AppArmor gets the engine's own profile, loaded once it is needed", () => {
  const [host, loaded] = hostWith("own", { parser: "" });
  expect(appArmorNameOf(plain, host)).toBe("bocker-default");
  expect(existsSync(loaded)).toBe(false);
  expect(appArmorProfileOf(plain, host)).toBe("bocker-default");
  expect(readFileSync(loaded, "utf8")).toBe(`-Kr\n${renderDefaultProfile()}`);
});

test("one that is loaded is left alone", () => {
  const profiles = "docker-default (enforce)\nbocker-default (enforce)\n";
  const [host, loaded] = hostWith("there", { parser: "", profiles });
  expect(appArmorProfileOf(plain, host)).toBe("bocker-default");
  expect(existsSync(loaded)).toBe(false);
});

test.each([
  ["no AppArmor", { enabled: false, parser: "" }],
  ["no parser", {}],
] as const)("%s: no profile by itself, and a named one is for the launch to refuse", (name, made) => {
  const [host] = hostWith(name.replace(" ", "-"), made);
  expect(appArmorProfileOf(plain, host)).toBeUndefined();
  expect(appArmorProfileOf({ ...plain, securityOpt: ["apparmor=mine"] }, host)).toBe("mine");
});

test("privileged and unconfined containers have none", () => {
  const [host, loaded] = hostWith("free", { parser: "" });
  expect(appArmorProfileOf({ ...plain, privileged: true }, host)).toBeUndefined();
  expect(appArmorProfileOf({ ...plain, securityOpt: ["apparmor=unconfined"] }, host)).toBe("unconfined");
  expect(appArmorProfileOf({ privileged: true, securityOpt: ["apparmor=mine"] }, host)).toBe("mine");
  expect(existsSync(loaded)).toBe(false);
});

test("a parser that fails is told of, in docker's words", () => {
  const [host] = hostWith("broken", { parser: "echo 'syntax error' >&2; exit 1" });
  expect(() => appArmorProfileOf(plain, host)).toThrow(
    "AppArmor enabled on system but the bocker-default profile could not be loaded",
  );
});

test("the profile denies mounts and the kernel's files, and lets the host send signals", () => {
  const text = renderDefaultProfile("x");
  expect(text).toContain("profile x flags=(attach_disconnected,mediate_deleted) {\n");
  for (const rule of ["deny mount,", "deny @{PROC}/kcore rwklx,", "signal (receive) peer=unconfined,"])
    expect(text).toContain(`  ${rule}\n`);
  expect(
    text
      .split("\n")
      .filter((line) => line.startsWith("  "))
      .every((line) => line.endsWith(",")),
  ).toBe(true);
});
