/**
 * Whose a container's cgroup is: config-linux.md#cgroup-ownership, rule by rule; and what of it is given away.
 */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { delegateCgroup } from "../../../src/cgroup/delegate-cgroup.ts";
import { cgroupOwnerOf } from "../../../src/oci/cgroup-owner.ts";
import { exampleSpec } from "../../../src/oci/example-spec.ts";
import type { Spec, SpecLinux } from "../../../src/spec/oci.ts";

const writable = { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["nosuid"] };
const uidMappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];

function specWith(linux: SpecLinux, uid: number, mounts: Spec["mounts"] = [writable]): Spec {
  const spec = exampleSpec(true);
  if (spec.process === undefined) throw new Error("the example has a process");
  return { ...spec, mounts, linux, process: { ...spec.process, user: { uid, gid: 0 } } };
}

const own: SpecLinux = { namespaces: [{ type: "cgroup" }, { type: "user" }], uidMappings };

test.each<[string, Spec, number | undefined]>([
  ["the process's user on the host", specWith(own, 7), 100_007],
  ["the same without a user namespace", specWith({ namespaces: [{ type: "cgroup" }] }, 7), 7],
  ["nobody's: no such id outside", specWith(own, 1000), undefined],
  [
    "nobody's: a joined cgroup namespace",
    specWith({ namespaces: [{ type: "cgroup", path: "/x" }] }, 7),
    undefined,
  ],
  ["nobody's: no cgroup namespace", specWith({ namespaces: [] }, 7), undefined],
  [
    "nobody's: mappings of another's user namespace",
    specWith({ namespaces: [{ type: "cgroup" }, { type: "user", path: "/x" }] }, 7),
    undefined,
  ],
  ["nobody's: a read-only mount", specWith(own, 7, [{ ...writable, options: ["ro"] }]), undefined],
  ["nobody's: no mount", specWith(own, 7, []), undefined],
])("%s", (_, spec, owner) => {
  expect(cgroupOwnerOf(spec)).toBe(owner as number);
});

test.skipIf(process.geteuid?.() !== 0)(
  "the directory and what the kernel lists, and no limit; on v1 nothing",
  () => {
    const directory = mkdtempSync(join(tmpdir(), "bocker-delegate-"));
    const owner = (name = ""): number => statSync(join(directory, name)).uid;
    try {
      for (const name of ["cgroup.procs", "cgroup.subtree_control", "memory.max", "pids.max"])
        writeFileSync(join(directory, name), "");
      const mount = { version: 2, directory, controllers: [] } as const;
      delegateCgroup({ path: "/x", directories: [mount, { ...mount, version: 1 }] }, 100_007);
      expect(owner()).toBe(0);
      delegateCgroup({ path: "/x", directories: [mount] }, 100_007);
      const owned = [owner(), owner("cgroup.procs"), owner("cgroup.subtree_control")];
      expect(owned).toEqual([100_007, 100_007, 100_007]);
      expect([owner("memory.max"), owner("pids.max")]).toEqual([0, 0]);
    } finally {
      rmSync(directory, { recursive: true });
    }
  },
);
