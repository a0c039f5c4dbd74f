/**
 * What a plan needs to know beside the Spec: facts of this host and of this start, gathered by the caller so that
 * planning stays pure. Types only.
 */

import type { SpecLinux, SpecMemoryPolicy } from "../spec/oci.ts";
import type { SeccompFlag } from "./operation.ts";

/** Where the root file system comes from. */
export type RootfsSource =
  /** A detached mount of the caller's, handed to startProcess as descriptor `rootfs`. The strings are for people. */
  | {
      readonly kind: "mount";
      readonly description: string;
      /** Where hooks find it (an existing directory); only needed with hooks that run before the pivot. */
      readonly path?: string;
    }
  /** A directory that is already complete: an OCI bundle's. */
  | { readonly kind: "directory"; readonly path: string }
  /** Kernels whose overlay cannot be made with fsconfig: mount(2) in the child, on `mountPoint` (an existing directory). */
  | {
      readonly kind: "overlay";
      readonly lowerdirs: readonly string[];
      readonly upperdir: string;
      readonly workdir: string;
      readonly mountPoint: string;
    };

export interface InterfaceSetup {
  readonly name: string;
  /** `172.17.0.2/16`. */
  readonly address?: string;
  readonly address6?: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly gateway?: string;
  readonly gateway6?: string;
}

/** What the child sets up in its new network namespace; `lo` is always brought up there. */
export interface NetworkSetup {
  readonly interfaces: readonly InterfaceSetup[];
}

export interface CgroupHierarchyView {
  /** Its name below /sys/fs/cgroup. */
  readonly directory: string;
  /** As mount(8) takes them: `cpu,cpuacct` or `none,name=systemd`. */
  readonly options: string;
  /** The container's own directory in it, on the host; shown where the container has no cgroup namespace. */
  readonly own?: string;
}

/** How /sys/fs/cgroup looks inside, where the Spec mounts it. */
export type CgroupView =
  | { readonly mode: "v2"; readonly own?: string }
  | {
      readonly mode: "v1";
      readonly hierarchies: readonly CgroupHierarchyView[];
      /** Short names of joint controllers: `cpu` → `cpu,cpuacct`. */
      readonly links: readonly { readonly name: string; readonly target: string }[];
      /** Hybrid hosts have v2 at `unified` as well. */
      readonly unified?: { readonly own?: string };
    };

export interface ProcessContext {
  /** The Spec's seccomp section, compiled for this architecture; absent: unconfined. */
  readonly seccomp?: Uint8Array;
  readonly seccompFlags?: readonly SeccompFlag[];
  /** The filter notifies: its listener goes to startProcess's `onListener`. */
  readonly listener?: true;
  /** The Spec's, for each process of the container. */
  readonly memoryPolicy?: SpecMemoryPolicy | undefined;
  /** Security modules of this kernel, where the process asks for a label of one. */
  readonly securityModules?: readonly ("apparmor" | "selinux")[];
  /** Capabilities this engine has to give: bit n is capability n. Anything beyond is left out. */
  readonly availableCapabilities: bigint;
  /** Standard streams that belong to the container and become its user's; never /dev/null. */
  readonly chownStdio: readonly (0 | 1 | 2)[];
  /** How many of the caller's descriptors become 3, 4, … of the command: `preserve0` …; absent: none. */
  readonly preserveFds?: number;
  /** SIGKILL when the engine's process dies. */
  readonly dieWithParent: boolean;
  /** How many v1 hierarchies to enter, through descriptors `tasks0` … of their `tasks` files; absent: none. */
  readonly cgroupTasks?: number;
  readonly kernel: KernelFeatures;
}

export interface KernelFeatures {
  /** Linux 5.12. */
  readonly mountSetattr: boolean;
  /** CLOSE_RANGE_CLOEXEC, Linux 5.11. */
  readonly closeRangeCloexec: boolean;
}

/** A detached mount of the caller's, handed to startProcess as descriptor `fd`. */
export interface StagedMount {
  readonly fd: string;
  /** Where the child sees it before the pivot; binds name it as their source. An existing file or directory of the host. */
  readonly path: string;
}

export interface StartContext extends ProcessContext {
  readonly rootfs: RootfsSource;
  /** `ramfs`: the host's root is an initramfs, which cannot be pivoted away from. */
  readonly hostRoot: "pivotable" | "ramfs";
  /** With `ramfs`: where the host has mounts, children before parents. They are let go, in the child's namespace. */
  readonly hostMounts?: readonly string[];
  /** What each bind mount's source is, by path: decides what a missing target becomes. */
  readonly bindSources: Readonly<Record<string, "file" | "directory">>;
  /** Sources of binds that no path of the host leads to. */
  readonly staged?: readonly StagedMount[];
  /** Present with `process.terminal`: the caller's own devpts, handed to startProcess as descriptor `devpts`. */
  readonly console?: { readonly number: number };
  readonly network?: NetworkSetup;
  readonly cgroup?: CgroupView;
  /** Run the command under a small PID 1 that reaps and forwards signals. */
  readonly init: boolean;
  /** Name of the session keyring; absent: the caller's goes on. */
  readonly keyring?: string;
  /**
   * Two phases: init stops before its execve until a byte comes through `start`, and tells `result` what happens then
   * (src/runtime/start-gate.ts). The engine's process may end in between.
   */
  readonly gate?: true;
}

export interface ExecContext extends ProcessContext {
  /** Namespaces of the target that differ from the caller's; joined through descriptor `target`, a pidfd. */
  readonly namespaces: readonly JoinableNamespace[];
  readonly keyring?: string;
  /** The Spec's, for each process of the container. */
  readonly personality?: SpecLinux["personality"];
}

export type JoinableNamespace = "user" | "mount" | "pid" | "network" | "ipc" | "uts" | "cgroup" | "time";
