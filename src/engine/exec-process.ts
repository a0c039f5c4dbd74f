/**
 * The Spec of a process that joins a running container: the container's own settings, changed as exec asks.
 *
 * docker's rules: environment of the container plus --env, its working directory and user unless named, its
 * capabilities and filter; --privileged gives all capabilities and no filter.
 */
import { BockerError, ExitCode } from "../errors.ts";
import type { ImageConfig } from "../image/image-config.ts";
import { capabilitySetsFor, resolveCapabilities } from "../security/capability.ts";
import { mergeProcess, processEnvironment } from "../spec/merge-process.ts";
import type { SpecProcess } from "../spec/oci.ts";
import { parseSecurityOptions } from "../spec/security-option.ts";
import type { ResolvedUser } from "../spec/user.ts";
import type { ContainerRecord } from "../state/record.ts";
import { appArmorProfileOf } from "./container-apparmor.ts";
import { hostnameOf } from "./container-hostname.ts";
import { loadContainerImage } from "./container-image.ts";
import { boundingCapabilities, flaggedPolicyOf, seccompFilterOf } from "./container-seccomp.ts";
import { lookUpUser } from "./container-user.ts";
import type { Engine } from "./engine.ts";
import type { ExecRequest } from "./exec-container.ts";
import { mappedGroups } from "./host-user.ts";

export interface ResolvedExec {
  readonly process: SpecProcess;
  readonly seccomp?: Uint8Array;
  /** Of seccomp(2), for loading it; absent: none. */
  readonly seccompFlags?: readonly string[];
}

/** `rootFd`: the container's root, for looking the user up in its files as they are now. */
export async function resolveExecProcess(
  engine: Engine,
  record: ContainerRecord,
  request: ExecRequest,
  rootFd: number,
): Promise<ResolvedExec> {
  const { config } = record;
  const image: ImageConfig = loadContainerImage(engine, record);
  const merged = mergeProcess(config, image.config);
  const groups = request.user === undefined ? config.groupAdd : [];
  const user = findUser(rootFd, request.user ?? merged.user, groups);
  const privileged = config.privileged || request.privileged;
  const bounding = boundingCapabilities();
  const names = resolveCapabilities({ ...config, privileged, bounding });
  const own = [...merged.env, ...(await secretVariables(engine, record))];
  const env = processEnvironment([...withoutNamed(own, request.env), ...request.env], {
    hostname: hostnameOf(engine, record),
    tty: request.tty,
    home: user.home,
  });
  const apparmorProfile = request.privileged ? undefined : appArmorProfileOf(config);
  const seccomp = await seccompFilterOf({ ...config, privileged }, bounding);
  const policy = await flaggedPolicyOf({ ...config, privileged }, bounding);
  return {
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(policy === undefined ? {} : { seccompFlags: policy.flags ?? [] }),
    process: {
      terminal: request.tty,
      user: {
        uid: user.uid,
        gid: user.gid,
        additionalGids: mappedGroups(config, user.additionalGids),
        ...(config.umask === undefined ? {} : { umask: config.umask }),
      },
      args: request.args,
      env,
      cwd: request.workdir ?? merged.cwd,
      capabilities: capabilitySetsFor(names, user.uid),
      ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
      noNewPrivileges: parseSecurityOptions(config.securityOpt).noNewPrivileges,
      oomScoreAdj: config.oomScoreAdj ?? 0,
    },
  };
}

/** A user that cannot be found is docker's 126 here, where run has 125. */
function findUser(rootFd: number, user: string, groupAdd: readonly string[]): ResolvedUser {
  try {
    return lookUpUser(rootFd, user, groupAdd);
  } catch (error) {
    if (!(error instanceof BockerError)) throw error;
    const { message, kind, hint } = error;
    throw new BockerError(message, {
      kind,
      exitCode: ExitCode.cannotExecute,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

/** What exec sets replaces the container's own of that name. */
async function secretVariables(engine: Engine, record: ContainerRecord): Promise<readonly string[]> {
  if (record.config.secrets === undefined) return [];
  const { secretEnvironment } = await import("./container-secret.ts");
  return secretEnvironment(engine, record);
}

function withoutNamed(env: readonly string[], replacing: readonly string[]): readonly string[] {
  const names = new Set(replacing.map((word) => word.split("=", 1)[0]));
  return env.filter((word) => !names.has(word.split("=", 1)[0]));
}
