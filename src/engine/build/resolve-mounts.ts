/**
 * `RUN --mount`: where each goes and which files it shows, before it is known whether the step has to run at all.
 *
 * Files of a context become a layer of their own, that no image has: so what .dockerignore leaves out is not there, owners
 * and times are those of COPY, and the digest says whether anything has changed.
 */
import { digestOfPlan, planCopy } from "../../build/copy/plan-copy.ts";
import { relativePath, selectSources } from "../../build/copy/select-sources.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import type { RunMount } from "../../build/dockerfile/run-mount.ts";
import type { SourceTree } from "../../build/source-tree.ts";
import type { StageNode } from "../../build/stage-graph.ts";
import { type CopyEffect, plainCopy, type RunEffect } from "../../build/stage-state.ts";
import { parseDiffID } from "../../image/digest.ts";
import { absolutePath } from "../../image/process-config-edit.ts";
import { applyLayer } from "../../storage/apply-layer.ts";
import type { BuildContext } from "./build-context.ts";
import { openSource } from "./copy-sources.ts";
import type { MountContent, StepMount } from "./step-request.ts";

/** Waits for stages and images that are mounted. Throws DockerfileProblem for what is not there. */
export async function resolveMounts(
  build: BuildContext,
  node: StageNode,
  effect: RunEffect,
  seconds: number,
): Promise<readonly StepMount[]> {
  const mounts: StepMount[] = [];
  for (const mount of effect.mounts) {
    const target = targetOf(mount, effect, mounts.length);
    mounts.push({ mount, target, content: await contentOf(build, node, effect, mount, seconds) });
  }
  return mounts;
}

function targetOf(mount: RunMount, { cwd, location }: RunEffect, index: number): string {
  if (mount.type === "secret" && mount.target === undefined) return `/run/secrets/${secretIdOf(mount)}`;
  if (mount.type === "ssh" && mount.target === undefined) return `/run/buildkit/ssh_agent.${index}`;
  const target = absolutePath(mount.target ?? "", cwd);
  if (target !== "/") return target;
  throw new DockerfileProblem(`invalid mount target ${JSON.stringify(mount.target ?? "")}`, location, {
    word: "--mount",
  });
}

/** docker's: the id, else what the source or target is called. */
export function secretIdOf({ id, source, target }: RunMount): string {
  const path = id ?? source ?? target ?? "";
  return id ?? path.slice(path.lastIndexOf("/") + 1);
}

async function contentOf(
  build: BuildContext,
  node: StageNode,
  effect: RunEffect,
  mount: RunMount,
  seconds: number,
): Promise<MountContent | undefined> {
  const hasContent = mount.type === "bind" || (mount.type === "cache" && mount.from !== undefined);
  if (!hasContent) return undefined;
  const ref = mount.from === undefined ? undefined : node.sources.get(mount.from);
  using source = await openSource(build, ref, effect.location);
  const path = mount.source ?? "/";
  if (source.layers === undefined) return contextContent(build, source.tree, path, effect, seconds);
  const layers = source.layers.map(({ diffID }) => diffID);
  return { layers, subpath: relativePath(path), store: async () => {} };
}

function contextContent(
  build: BuildContext,
  tree: SourceTree,
  path: string,
  { location }: RunEffect,
  seconds: number,
): MountContent {
  const effect: CopyEffect = { ...plainCopy, location, sources: [path] };
  const plan = planCopy({
    effect,
    sources: [{ tree, path }],
    targetRoot: undefined,
    owner: undefined,
    seconds,
  });
  const diffID = parseDiffID(digestOfPlan(plan));
  const [found] = selectSources(tree, path);
  const isFile = found?.isDirectory === false;
  const { paths } = build.engine;
  return {
    layers: [diffID],
    subpath: isFile ? found.path.slice(found.path.lastIndexOf("/") + 1) : "",
    store: async () => {
      build.temporary.add(diffID);
      await applyLayer({ paths, diffID, blob: asynchronous(plan.pack()) });
    },
  };
}

async function* asynchronous(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces;
}
