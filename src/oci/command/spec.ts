/**
 * `spec`: writes a config.json to start from. One that is there already is never written over.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { detectCgroups } from "../../cgroup/detect-cgroups.ts";
import { BockerError } from "../../errors.ts";
import { exampleSpec, rootlessSpec } from "../example-spec.ts";
import type { OciContext, OciInvocation } from "../oci-context.ts";

export function run(_context: OciContext, { options }: OciInvocation): number {
  const name = options.value("file") ?? "config.json";
  const path = resolve(join(options.value("bundle") ?? ".", name));
  if (existsSync(path)) {
    throw new BockerError(`File ${name} exists. Remove it first`, { kind: "conflict" });
  }
  const rootless = options.flag("rootless");
  const unified = detectCgroups().mode === "v2";
  const spec = rootless
    ? rootlessSpec(process.getuid?.() ?? 0, process.getgid?.() ?? 0, unified)
    : exampleSpec(unified);
  writeFileSync(path, `${JSON.stringify(spec, null, "\t")}\n`, { flag: "wx", mode: 0o644 });
  return 0;
}
