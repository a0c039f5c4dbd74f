/** Pulls in processes of their own: killed in the middle at many moments, and two of the same image at once. */

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathsUnder } from "../../src/host/paths.ts";
import { listImages } from "../../src/state/image.ts";
import { openState } from "../../src/state/state.ts";
import { sweepStorage } from "../../src/storage/sweep-storage.ts";
import { type LyingRegistry, startLyingRegistry } from "../lib/lying-registry.ts";
import { makeImage, type TestImage } from "../lib/oci-image.ts";

function noisyImage(): TestImage {
  const noise = () => Buffer.from(crypto.getRandomValues(new Uint8Array(400_000))).toString("hex");
  return makeImage([1, 2].map((at) => [{ name: `file${at}`, content: noise() }]));
}

const middleBytes = 120_000;

/** Lets the layers' bodies trickle, so that there is a middle to be killed in: they stop there as long as `isHeld`. */
function slowDown(registry: LyingRegistry, image: TestImage, isHeld: () => boolean = () => false): void {
  registry.intercept = (request, url) => {
    const layer = image.layers.find((blob) => url.pathname.endsWith(blob.descriptor.digest));
    if (layer === undefined) return undefined;
    const { size } = layer.descriptor;
    let at = Number(/=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
    const headers = { "content-range": `bytes ${at}-${size - 1}/${size}` };
    const status = at > 0 ? 206 : 200;
    let isLeft = false;
    const body = new ReadableStream({
      cancel() {
        isLeft = true;
      },
      async pull(controller) {
        do await Bun.sleep(40);
        while (at >= middleBytes && isHeld() && !isLeft);
        if (isLeft) return;
        controller.enqueue(layer.bytes.slice(at, at + 20_000));
        at += 20_000;
        if (at >= size) controller.close();
      },
    });
    return new Response(body, { status, headers });
  };
}

function startPull(root: string, name: string): Bun.Subprocess<"ignore", "ignore", "pipe"> {
  const script = join(import.meta.dir, "../lib/pull-process.ts");
  return Bun.spawn([process.execPath, script, root, name], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
}

/** Looks until it is so; a machine that is busy takes its time. */
async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 20_000; !isSo(); await Bun.sleep(5)) {
    if (performance.now() > deadline) throw new Error(`still not so: ${isSo}`);
  }
}

/** Bytes of layers that are on their way. */
function unfinishedBytes(tmp: string): number {
  const parts = existsSync(tmp) ? readdirSync(tmp).filter((name) => name.endsWith(".part")) : [];
  return parts.reduce((sum, name) => sum + statSync(join(tmp, name)).size, 0);
}

/** Processes that unpack into this store. */
function unpackersOf(root: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(`layer-apply\0{"directory":"${root}`)
      );
    } catch {
      return false;
    }
  });
}

test("killed at any moment: no image, no process, and the next pull goes on and ends well", async () => {
  await using registry = startLyingRegistry();
  const image = noisyImage();
  registry.add("app:1", image);
  let isHeld = true;
  slowDown(registry, image, () => isHeld);
  const root = mkdtempSync(join(tmpdir(), "bocker-kill-"));
  const paths = pathsUnder(root, join(root, "run"));
  const name = `${registry.host}/app:1`;
  try {
    using state = openState(paths);
    const asked = () => registry.seen.length;
    for (const bytes of [0, 1, 60_000, middleBytes]) {
      const before = asked();
      const pull = startPull(root, name);
      await until(() => asked() > before && unfinishedBytes(paths.tmp) >= bytes);
      pull.kill("SIGKILL");
      await pull.exited;
      expect(listImages(state)).toEqual([]);
    }
    await until(() => unpackersOf(root).length === 0);
    isHeld = false;
    const last = startPull(root, name);
    expect(await last.exited, await new Response(last.stderr).text()).toBe(0);
    expect(registry.seen.some(({ range }) => range !== null)).toBe(true);
    expect(listImages(state)).toMatchObject([{ id: image.config.descriptor.digest }]);
    sweepStorage(paths);
    expect(readdirSync(paths.tmp).filter((file) => !file.endsWith(".lock"))).toEqual([]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});

test("two processes that pull the same image download it once", async () => {
  await using registry = startLyingRegistry();
  const image = noisyImage();
  registry.add("app:1", image);
  slowDown(registry, image);
  const root = mkdtempSync(join(tmpdir(), "bocker-twice-"));
  try {
    const pulls = [1, 2].map(() => startPull(root, `${registry.host}/app:1`));
    for (const pull of pulls) expect(await pull.exited, await new Response(pull.stderr).text()).toBe(0);
    for (const layer of image.layers) {
      const asked = registry.seen.filter(({ path }) => path.endsWith(layer.descriptor.digest));
      expect(asked).toHaveLength(1);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
