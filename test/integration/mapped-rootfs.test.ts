/**
 * Roots with mapped ids on kernels that cannot do what this one can: layers attached in a namespace of the thread's own
 * (Linux 5.19), and a copy of the image where layers cannot be mapped at all (5.12).
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, existsSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveEngineSettings } from "../../src/config/engine-settings.ts";
import { loadContainerImage } from "../../src/engine/container-image.ts";
import { containerFolder } from "../../src/engine/container-paths.ts";
import { containerRootfs } from "../../src/engine/container-rootfs.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { prepareMappedRootfs } from "../../src/engine/mapped-rootfs.ts";
import { BockerError } from "../../src/errors.ts";
import { openUserNamespace } from "../../src/runtime/user-namespace.ts";
import { findContainer } from "../../src/state/container.ts";
import { asOwner, mountAttached, mountMapped } from "../../src/storage/mapped-mount.ts";
import { mountRootfs } from "../../src/storage/mount-rootfs.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let engine: Engine;
beforeAll(async () => {
  bocker = openWorkspace();
  await bocker.ok(
    "create",
    "--name",
    "mapped",
    "--network",
    "none",
    "--uidmap=0:1900000000:2000",
    "busybox",
    "cat",
    "/x",
  );
  engine = openEngine(resolveEngineSettings({}, { root: bocker.root, runRoot: bocker.runRoot }, {}));
});
afterAll(async () => {
  engine.state.close();
  await bocker[Symbol.asyncDispose]();
});

function mapped() {
  const record = findContainer(engine.state, "mapped");
  return { record, image: loadContainerImage(engine, record) };
}

test("layers that are attached for a moment: the same root, and this thread is where it was", () => {
  const { record, image } = mapped();
  const rootfs = containerRootfs(engine, record, image);
  if (rootfs.kind !== "overlay" || record.config.idMaps === undefined)
    throw new Error("not a mapped overlay");
  const before = [readlinkSync("/proc/thread-self/ns/mnt"), process.cwd()];
  const userNamespace = openUserNamespace(record.config.idMaps);
  const ids = { userNamespace, rootUid: 1_900_000_000, rootGid: 1_900_000_000 };
  const layers = rootfs.lowerdirs.map((path) => mountMapped(path, ids));
  const upper = mountMapped(containerFolder(engine.paths, record.id), ids);
  const fd = asOwner(ids, () => mountAttached(layers, upper, rootfs));
  try {
    expect([readlinkSync("/proc/thread-self/ns/mnt"), process.cwd()]).toEqual(before);
    expect(statSync(`/proc/self/fd/${fd}/bin`).uid).toBe(1_900_000_000);
    asOwner(ids, () => writeFileSync(`/proc/self/fd/${fd}/written`, ""));
    expect(statSync(join(rootfs.upperdir, "written")).uid).toBe(0);
  } finally {
    for (const each of [...layers, upper, userNamespace, fd]) closeSync(each);
  }
});

describe("where layers cannot be mapped", () => {
  const refused = () => {
    throw new BockerError("cannot map the ids", { kind: "unsupported" });
  };

  test("the image is copied, which is said, and the ids on the disk stay the image's", async () => {
    const { record, image } = mapped();
    const lines: string[] = [];
    const rootfs = prepareMappedRootfs(engine, record, image, {
      warn: (line) => lines.push(line),
      mount: (tried, ids) => (tried.kind === "overlay" ? refused() : mountRootfs(tried, ids)),
    });
    expect(lines).toEqual([
      "This kernel cannot map the ids of an overlay's layers: the image is copied for this container.",
    ]);
    if (rootfs.kind !== "directory") throw new Error("not a copy");
    expect(statSync(join(rootfs.path, "bin")).uid).toBe(0);
    expect(existsSync(join(containerFolder(engine.paths, record.id), "upper"))).toBe(false);
    writeFileSync(join(rootfs.path, "x"), "from the copy");
    expect(await bocker.ok("start", "-a", "mapped")).toBe("from the copy");
    expect(await bocker.ok("diff", "mapped")).toBe("A /x");
  });

  test("nor a copy: refused, in the words of what failed", () => {
    const { record, image } = mapped();
    expect(() => prepareMappedRootfs(engine, record, image, { warn: () => {}, mount: refused })).toThrow(
      "cannot map the ids",
    );
  });
});
