/**
 * Whether what mounts are to be passed through a bind can be: the kernel would accept the request and pass nothing.
 */
import { readFileSync, realpathSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { Spec } from "../spec/oci.ts";

/** Throws docker's words for a shared or slave bind whose source lies on a mount that is neither (mount_namespaces(7)). */
export function checkPropagation(
  { mounts = [] }: Spec,
  readMountinfo = () => readFileSync("/proc/self/mountinfo", "utf8"),
): void {
  for (const { source, options = [] } of mounts) {
    const wanted = options.find((word) => /^r?(shared|slave)$/.test(word));
    if (wanted === undefined || source === undefined) continue;
    const path = realpathSync(source);
    const { point, peers } = mountOf(path, readMountinfo());
    const isShared = peers.includes("shared:");
    const isEnough = isShared || (wanted.endsWith("slave") && peers.includes("master:"));
    if (isEnough) continue;
    const kind = wanted.endsWith("slave") ? "shared or slave" : "shared";
    throw new BockerError(`path ${source} is mounted on ${point} but it is not a ${kind} mount`, {
      kind: "invalid-config",
      hint: `mount --make-rshared ${point}`,
    });
  }
}

/** The mount that a path is on, the topmost of several; `peers` is its optional fields (proc_pid_mountinfo(5)). */
function mountOf(path: string, mountinfo: string): { readonly point: string; readonly peers: string } {
  let found = { point: "/", peers: "" };
  for (const line of mountinfo.split("\n")) {
    const [, , , , point = "", , ...rest] = line.split(" ");
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    if (point === "" || !isAbove || point.length < found.point.length) continue;
    found = { point, peers: rest.slice(0, rest.indexOf("-")).join(" ") };
  }
  return found;
}
