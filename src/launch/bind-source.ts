/**
 * Which files of the host a Spec's bind mounts are made from. Pure.
 */
import type { Spec } from "../spec/oci.ts";
import { parseMountOptions } from "./mount-option.ts";

/** Paths whose kind the caller has to find out for `StartContext.bindSources`. */
export function bindSourcesOf(spec: Spec): readonly string[] {
  return (spec.mounts ?? [])
    .filter((mount) => mount.type === "bind" || parseMountOptions(mount.options ?? []).bind)
    .flatMap((mount) => mount.source ?? []);
}
