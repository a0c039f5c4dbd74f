/**
 * The AppArmor profile of a container: the one asked for, or the engine's own, loaded when a container first needs it.
 *
 * Hosts without AppArmor, or without apparmor_parser to load a profile, have none: asking for one by name is refused when
 * the container starts (src/launch), and nothing is applied by itself.
 */
import { existsSync, readFileSync } from "node:fs";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, messageOf } from "../errors.ts";
import { runCommand } from "../host/run-command.ts";
import { defaultProfileName, renderDefaultProfile } from "../security/apparmor-profile.ts";
import { parseSecurityOptions } from "../spec/security-option.ts";

/** What is read of the host; a test has another. */
export interface AppArmorHost {
  readonly enabledFile: string;
  /** The kernel's list: `NAME (MODE)` a line. */
  readonly profilesFile: string;
  readonly parsers: readonly string[];
}

const thisHost: AppArmorHost = {
  enabledFile: "/sys/module/apparmor/parameters/enabled",
  profilesFile: "/sys/kernel/security/apparmor/profiles",
  parsers: ["/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"],
};

type Request = Pick<ContainerConfig, "securityOpt" | "privileged">;

/** Loads the engine's own where it is that one. Undefined: unconfined. Throws where it cannot be loaded. */
export function appArmorProfileOf(config: Request, host = thisHost): string | undefined {
  const name = appArmorNameOf(config, host);
  if (name === defaultProfileName && canLoad(host)) ensureLoaded(host);
  return name;
}

/** As appArmorProfileOf, loading nothing. */
export function appArmorNameOf({ securityOpt, privileged }: Request, host = thisHost): string | undefined {
  const { apparmor } = parseSecurityOptions(securityOpt);
  if (apparmor !== undefined || privileged) return apparmor;
  return canLoad(host) ? defaultProfileName : undefined;
}

function canLoad({ enabledFile, parsers }: AppArmorHost): boolean {
  return readOr(enabledFile, "N").startsWith("Y") && parsers.some((path) => existsSync(path));
}

/** Loading it twice at once does no harm: the same text under the same name. */
function ensureLoaded({ profilesFile, parsers }: AppArmorHost): void {
  const lines = readOr(profilesFile, "").split("\n");
  if (lines.some((line) => line.startsWith(`${defaultProfileName} (`))) return;
  const parser = parsers.find((path) => existsSync(path)) ?? "apparmor_parser";
  try {
    runCommand([parser, "-Kr"], { stdin: renderDefaultProfile() });
  } catch (cause) {
    throw new BockerError(
      `AppArmor enabled on system but the ${defaultProfileName} profile could not be loaded: ${messageOf(cause)}`,
      { kind: "host", cause, hint: "--security-opt apparmor=unconfined runs without a profile" },
    );
  }
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return otherwise;
  }
}
