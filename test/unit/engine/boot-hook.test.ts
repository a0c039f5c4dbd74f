/**
 * The hooks for init systems, as text, and as bash and systemd-analyze read them where they are installed.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { initSystems, planBootHook } from "../../../src/engine/boot-hook.ts";
import {
  detectInit,
  findBootHooks,
  installBootHook,
  uninstallBootHooks,
} from "../../../src/engine/install-boot-hook.ts";

const plain = { command: ["/usr/bin/bocker"], env: {}, root: "/var/lib/bocker" };
const special = {
  command: ["/opt/it's $HOME/100%/bocker"],
  env: { BOCKER_ROOT: '/srv/a "b" 50%', BOCKER_RUN: "/run/x" },
  root: "/srv/a b",
};

function textOf(init: (typeof initSystems)[number], request: typeof plain): string {
  return planBootHook(init, request)
    .files.map(({ text }) => text)
    .join("");
}

describe("systemd", () => {
  test("starts and stops with the machine, and leaves monitors alone", () => {
    const lines = textOf("systemd", plain).split("\n");
    for (const line of [
      "ExecStart=/usr/bin/bocker boot",
      "ExecStop=/usr/bin/bocker boot stop",
      "Type=oneshot",
      "RemainAfterExit=yes",
      "KillMode=process",
      "RequiresMountsFor=/var/lib/bocker",
      "WantedBy=multi-user.target",
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines.some((line) => line.startsWith("Environment="))).toBe(false);
  });

  test("quotes what means something to it", () => {
    const lines = textOf("systemd", special).split("\n");
    expect(lines).toContain(`ExecStart="/opt/it's $$HOME/100%%/bocker" boot`);
    expect(lines).toContain('Environment="BOCKER_ROOT=/srv/a \\"b\\" 50%%"');
    expect(lines).toContain("Environment=BOCKER_RUN=/run/x");
    expect(lines).toContain('RequiresMountsFor="/srv/a b"');
  });
});

describe("scripts", () => {
  const folder = mkdtempSync("/tmp/bocker-hook-test-");
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = join(folder, "it's $HOME 100%");
  const calls = join(folder, "calls");

  beforeAll(() => {
    writeFileSync(program, `#!/bin/sh\necho "$BOCKER_ROOT|$*" >> '${calls}'\n`, { mode: 0o755 });
  });

  /** What a shell makes of a script, with what only an init system has defined before. */
  const runShell = (script: string): string => {
    rmSync(calls, { force: true });
    const stubs = 'ebegin() { :; }; eend() { :; }; sleep() { :; }; exec() { "$@"; };';
    const { exitCode, stderr } = Bun.spawnSync(["/bin/bash", "-c", `${stubs}\n${script}`]);
    expect([exitCode, stderr.toString()]).toEqual([0, ""]);
    return readFileSync(calls, "utf8");
  };
  const request = { command: [program], env: { BOCKER_ROOT: "/a 'b' \"c\" $d" }, root: "/" };

  test("OpenRC's starts and stops", () => {
    const [file] = planBootHook("openrc", request).files;
    expect(file?.text.startsWith("#!/sbin/openrc-run\n")).toBe(true);
    expect(runShell(`${file?.text}\nstart; stop`)).toBe(`/a 'b' "c" $d|boot\n/a 'b' "c" $d|boot stop\n`);
  });

  test("runit's boots, waits, and stops in its finish", () => {
    const { files, links } = planBootHook("runit", request);
    expect(files.map(({ text }) => runShell(text))).toEqual([
      `/a 'b' "c" $d|boot\n`,
      `/a 'b' "c" $d|boot stop\n`,
    ]);
    expect(files[0]?.text).toEndWith("exec sleep 2147483647\n");
    expect(links).toEqual([{ path: "/etc/service/bocker-boot", target: "/etc/sv/bocker-boot" }]);
  });

  test("cron's line has its percent signs escaped, and says what it cannot", () => {
    const hook = planBootHook("cron", special);
    const line = hook.files[0]?.text.trimEnd().split("\n").at(-1) ?? "";
    expect(line).toBe(`@reboot root '/opt/it'\\''s $HOME/100\\%/bocker' boot >/dev/null`);
    expect(hook.note).toContain("goes down");
  });
});

describe("on a machine", () => {
  const made: string[] = [];
  afterAll(() => {
    for (const folder of made) rmSync(folder, { recursive: true });
  });
  const machine = (...paths: string[]): string => {
    const root = mkdtempSync("/tmp/bocker-hook-test-");
    made.push(root);
    for (const path of paths) mkdirSync(join(root, path), { recursive: true });
    return root;
  };

  test.each([
    [["run/systemd/system", "etc/cron.d"], "systemd"],
    [["usr/lib/systemd/systemd"], "systemd"],
    // Debian has parts of systemd on machines that run another init.
    [["usr/lib/systemd/systemd", "run/openrc/softlevel"], "openrc"],
    [["sbin/openrc-run"], "openrc"],
    [["run/runit", "etc/cron.d"], "runit"],
    [["etc/runit/1"], "runit"],
    [["etc/cron.d"], "cron"],
    [[], undefined],
  ] as const)("%p is %p", (paths, init) => {
    expect(detectInit(machine(...paths))).toBe(init);
  });

  test.each([...initSystems])("%s: installed, seen, changed, and removed without a trace", (init) => {
    const root = machine("etc", "var/service");
    const look = (request: typeof plain) => findBootHooks(request, root);
    expect(look(plain)).toEqual([]);
    installBootHook(init, plain, root);
    const paths = planBootHook(init, plain).files.map(({ path }) => path);
    expect(look(plain)).toEqual([{ init, paths, isEnabled: true, isCurrent: true }]);
    for (const { path, mode } of planBootHook(init, plain).files) {
      expect(statSync(join(root, path)).mode & 0o777).toBe(mode);
    }
    installBootHook(init, special, root);
    expect(look(plain)).toEqual([{ init, paths, isEnabled: true, isCurrent: false }]);
    expect(look(special)).toEqual([{ init, paths, isEnabled: true, isCurrent: true }]);
    expect(uninstallBootHooks(plain, root)).toEqual(expect.arrayContaining([...paths]));
    expect(look(plain)).toEqual([]);
    expect(uninstallBootHooks(plain, root)).toEqual([]);
    expect(existsSync(join(root, "etc/sv/bocker-boot"))).toBe(false);
  });

  test("runit's link goes where its services are", () => {
    const root = machine("var/service");
    expect(installBootHook("runit", plain, root).links[0]?.path).toBe("/var/service/bocker-boot");
  });

  test("a hook that is not switched on is told apart", () => {
    const root = machine();
    const { links } = installBootHook("systemd", plain, root);
    rmSync(join(root, links[0]?.path ?? ""));
    expect(findBootHooks(plain, root)[0]).toMatchObject({ isEnabled: false, isCurrent: true });
  });
});
