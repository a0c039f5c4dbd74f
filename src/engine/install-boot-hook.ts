/**
 * `boot install`, `uninstall` and `status`: which init system a machine has, and the hook in its files.
 *
 * Everything is looked for below a root directory, `/` or that of a system that is being made; only where it is `/`
 * and the init system runs, it is told to read its files again.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { BockerError } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { tryCommand } from "../host/run-command.ts";
import { type BootHook, type HookRequest, type InitSystem, initSystems, planBootHook } from "./boot-hook.ts";

/** What tells a system that runs, and what tells one that is only installed; the first that is there counts. */
const signsOf: Readonly<Record<InitSystem, { readonly running: string[]; readonly installed: string[] }>> = {
  systemd: {
    running: ["run/systemd/system"],
    installed: ["usr/lib/systemd/systemd", "lib/systemd/systemd"],
  },
  openrc: { running: ["run/openrc/softlevel"], installed: ["sbin/openrc-run", "usr/sbin/openrc-run"] },
  runit: {
    running: ["run/runit", "run/runit.stopit", "etc/runit/stopit"],
    installed: ["etc/runit/1", "etc/runit/2"],
  },
  cron: { running: [], installed: ["etc/cron.d"] },
};

/** The init system of the machine below `into`: the one that runs, else the first that is installed. */
export function detectInit(into: string): InitSystem | undefined {
  const has = (signs: readonly string[]): boolean => signs.some((sign) => existsSync(join(into, sign)));
  return (
    initSystems.find((init) => has(signsOf[init].running)) ??
    initSystems.find((init) => has(signsOf[init].installed))
  );
}

/** Where runit looks for its services: it differs between systems. */
function hookOf(init: InitSystem, request: HookRequest, into: string): BootHook {
  const folders = ["/etc/service", "/var/service", "/etc/runit/runsvdir/default"];
  const serviceFolder = folders.find((folder) => existsSync(join(into, folder)));
  return planBootHook(init, { ...request, ...(serviceFolder === undefined ? {} : { serviceFolder }) });
}

/** Writes the hook and switches it on; gives it, with its paths where they are. Replaces one that is there. */
export function installBootHook(init: InitSystem, request: HookRequest, into: string): BootHook {
  const hook = hookOf(init, request, into);
  for (const { path, mode, text } of hook.files) {
    const place = join(into, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileAtomic(place, text, { mode, durable: true });
    // The umask had its say.
    chmodSync(place, mode);
  }
  for (const { path, target } of hook.links) {
    const place = join(into, path);
    mkdirSync(dirname(place), { recursive: true });
    rmSync(place, { force: true });
    symlinkSync(target, place);
  }
  reload(init, hook, into);
  return hook;
}

/** Removes the hook of every init system that has one; gives what was removed. */
export function uninstallBootHooks(request: HookRequest, into: string): readonly string[] {
  return initSystems.flatMap((init) => {
    const hook = hookOf(init, request, into);
    const paths = [...hook.links, ...hook.files]
      .map(({ path }) => path)
      .filter((path) => isThere(into, path));
    for (const path of paths) rmSync(join(into, path), { force: true });
    for (const folder of hook.folders) if (isThere(into, folder)) rmdirSync(join(into, folder));
    if (paths.length > 0) reload(init, hook, into);
    return paths;
  });
}

export interface HookStatus {
  readonly init: InitSystem;
  readonly paths: readonly string[];
  /** Written, but not switched on. */
  readonly isEnabled: boolean;
  /** As an installation by this very executable, with these settings, would write it. */
  readonly isCurrent: boolean;
}

/** The hooks that are there. */
export function findBootHooks(request: HookRequest, into: string): readonly HookStatus[] {
  return initSystems.flatMap((init) => {
    const hook = hookOf(init, request, into);
    const paths = hook.files.map(({ path }) => path).filter((path) => isThere(into, path));
    if (paths.length === 0) return [];
    const isEnabled = hook.links.every(({ path, target }) => linkOf(join(into, path)) === target);
    const isCurrent = hook.files.every(({ path, text }) => textOf(join(into, path)) === text);
    return [{ init, paths, isEnabled, isCurrent }];
  });
}

/** A running init system reads its files again; what it says against that is the user's to hear. */
function reload(init: InitSystem, hook: BootHook, into: string): void {
  const isRunning = signsOf[init].running.some((sign) => existsSync(join("/", sign)));
  if (hook.reload === undefined || into !== "/" || !isRunning) return;
  const { exitCode, stderr } = tryCommand(hook.reload);
  if (exitCode === 0) return;
  throw new BockerError(`cannot tell ${init} of the change: ${stderr.trim()}`, {
    kind: "host",
    hint: `run: ${hook.reload.join(" ")}`,
  });
}

function isThere(into: string, path: string): boolean {
  return lstatSync(join(into, path), { throwIfNoEntry: false }) !== undefined;
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
