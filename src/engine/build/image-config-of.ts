/**
 * A finished stage as an image config. Pure: the same stage gives the same bytes, on any machine and at any time.
 */
import type { BuildOptions, FinishOptions } from "../../build/build-options.ts";
import type { HistoryEntry, ImageConfig, ImageProcessConfig } from "../../image/image-config.ts";
import { renderCreated } from "../image-time.ts";
import type { BuiltStage } from "./build-context.ts";

type Asked = Pick<BuildOptions, "labels" | "epochSeconds" | "createdSeconds" | "finish">;

/** `labels`: of `--label`, which win over the Dockerfile's. */
export function imageConfigOf(
  stage: BuiltStage,
  { labels, epochSeconds, createdSeconds, finish }: Asked,
): ImageConfig {
  const { state, platform, layers } = stage;
  const created = renderCreated(epochSeconds ?? createdSeconds ?? stage.epochSeconds);
  return {
    created,
    ...(state.author === undefined ? {} : { author: state.author }),
    architecture: platform.architecture,
    ...(platform.variant === undefined ? {} : { variant: platform.variant }),
    os: platform.os,
    config: sorted(withoutUnset({ ...state.config, ...withLabels(state.config, labels) }, finish)),
    rootfs: { type: "layers", diff_ids: layers.map(({ diffID }) => diffID) },
    history: finish?.omitsHistory === true ? [] : historyOf(stage, created),
  };
}

function historyOf({ state, baseHistory }: BuiltStage, created: string): readonly HistoryEntry[] {
  return state.history.map((entry, index) => (index < baseHistory ? entry : { created, ...entry }));
}

/** Without what `--unsetenv` and `--unsetlabel` name, wherever it is from. */
function withoutUnset(config: ImageProcessConfig, finish: FinishOptions | undefined): ImageProcessConfig {
  if (finish === undefined) return config;
  const env = new Set(finish.unsetEnv);
  const labels = new Set(finish.unsetLabels);
  const { Env, Labels } = config;
  return {
    ...config,
    ...(Env === undefined ? {} : { Env: Env.filter((word) => !env.has(word.split("=", 1)[0] ?? "")) }),
    ...(Labels === undefined
      ? {}
      : { Labels: Object.fromEntries(Object.entries(Labels).filter(([name]) => !labels.has(name))) }),
  };
}

function withLabels({ Labels }: ImageProcessConfig, labels: Readonly<Record<string, string>>) {
  return Object.keys(labels).length === 0 ? {} : { Labels: { ...Labels, ...labels } };
}

/** Keys in Go's order, so that docker's own tools write the same. */
function sorted(config: ImageProcessConfig): ImageProcessConfig {
  const { Labels, ExposedPorts, Volumes } = config;
  return {
    ...config,
    ...(Labels === undefined ? {} : { Labels: byKey(Labels) }),
    ...(ExposedPorts === undefined ? {} : { ExposedPorts: byKey(ExposedPorts) }),
    ...(Volumes === undefined ? {} : { Volumes: byKey(Volumes) }),
  };
}

function byKey<Value>(record: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
