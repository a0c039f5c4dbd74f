/**
 * What a limit is before it is a step: a file of a controller and what to write there.
 */
import { BockerError } from "../errors.ts";
import type { SpecResources } from "../spec/oci.ts";

export interface LimitWrite {
  readonly controller: string;
  readonly file: string;
  readonly data: string;
  /** What kernels without `file` have in its place. */
  readonly instead?: { readonly file: string; readonly data: string };
}

/** A limit that this version of cgroups has no file for. */
export function noSuchLimit(limit: string, version: 1 | 2): BockerError {
  return new BockerError(`cannot limit ${limit}: cgroup v${version} has no such limit`, {
    kind: "unsupported",
    hint: `leave it out, or boot the host with cgroup v${version === 1 ? 2 : 1}`,
  });
}

/** -1, or anything not positive, is no limit: v2's word for it. */
export function orMax(value: number): string {
  return value < 0 ? "max" : String(value);
}

/** True for a limit the v1 files can't tell from none. */
export function isSet<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/** `mlx5_1 hca_handle=3 hca_object=10000`, a line a device, the same in both versions (rdma.rst). */
export function rdmaWrites(rdma: NonNullable<SpecResources["rdma"]>): readonly LimitWrite[] {
  return Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => {
    const handles = hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`];
    const objects = hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`];
    return { controller: "rdma", file: "rdma.max", data: [device, ...handles, ...objects].join(" ") };
  });
}
