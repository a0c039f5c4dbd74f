/**
 * What every operation of a plan has, and the names its flags and descriptors go by. Types only.
 */
import type {
  atFlags,
  cloneFlags,
  closeRangeFlags,
  fsconfigCommands,
  interfaceFlags,
  ioClasses,
  memoryPolicies,
  memoryPolicyFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  personalities,
  prctlOptions,
  resolveFlags,
  schedulerFlags,
  schedulerPolicies,
  seccompFlags,
  umountFlags,
} from "../../ffi/flags.ts";

/** A name from `inherits` or from an earlier `keep`; a standard descriptor; or the current directory. */
export type Fd = string | 0 | 1 | 2;

export type CloneFlag = keyof typeof cloneFlags;

export type OpenFlag = keyof typeof openFlags;

export type AtFlag = keyof typeof atFlags;

export type ResolveFlag = keyof typeof resolveFlags;

export type MountFlag = keyof typeof mountFlags;

export type UmountFlag = keyof typeof umountFlags;

export type MountAttribute = keyof typeof mountAttributes;

export type OpenTreeFlag = keyof typeof openTreeFlags | "AT_RECURSIVE" | "AT_EMPTY_PATH";

export type MoveMountFlag = keyof typeof moveMountFlags;

export type SeccompFlag = keyof typeof seccompFlags;

export type SchedulerPolicy = keyof typeof schedulerPolicies;

export type SchedulerFlag = keyof typeof schedulerFlags;

export type IoClass = keyof typeof ioClasses;

export type MemoryPolicyMode = keyof typeof memoryPolicies;

export type MemoryPolicyFlag = keyof typeof memoryPolicyFlags;

export type PersonalityDomain = keyof typeof personalities;

export type CloseRangeFlag = keyof typeof closeRangeFlags;

export type PrctlOption = keyof typeof prctlOptions;

export type InterfaceFlag = keyof typeof interfaceFlags;

export type FsconfigCommand = keyof typeof fsconfigCommands;

export interface Common {
  /** What it is for, as the subject of an error: `mounting "proc" to rootfs at "/proc"`. */
  readonly step: string;
  /** Errno names that count as done. */
  readonly ignore?: readonly string[];
}

/**
 * Gives the call's result a name for later operations. Where the call was skipped or failed with an ignored errno,
 * everything that uses the name is skipped as well: so "if it exists" needs no branches.
 */
export interface Keeps extends Common {
  readonly keep: string;
}
