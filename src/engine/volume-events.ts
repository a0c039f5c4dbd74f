/**
 * docker's events of volumes that a container begins and ceases to use: `mount` and `unmount`.
 */
import { appendEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { type VolumeMount, volumeMountsOf } from "./volume-mounts.ts";

/** To be called before the start, as docker mounts before it. */
export function tellMounted(engine: Engine, record: ContainerRecord): void {
  tell(engine, record, "mount", ({ target, readOnly }) => ({
    destination: target,
    propagation: "",
    "read/write": String(!readOnly),
  }));
}

/** To be called once the container has ended, or could not be started. */
export function tellUnmounted(engine: Engine, record: ContainerRecord): void {
  tell(engine, record, "unmount", () => ({}));
}

function tell(
  engine: Engine,
  record: ContainerRecord,
  action: "mount" | "unmount",
  more: (volume: VolumeMount) => Readonly<Record<string, string>>,
): void {
  // Most containers have none: then nothing is read.
  const { id, config, anonymousVolumes } = record;
  if (anonymousVolumes.length === 0 && !config.mounts.some(({ type }) => type === "volume")) return;
  const volumes = volumeMountsOf(id, config, loadContainerImage(engine, record).config);
  engine.state.transaction(() => {
    for (const volume of volumes) {
      const attributes = { container: id, driver: "local", ...more(volume) };
      appendEvent(engine.state, { type: "volume", action, id: volume.name, attributes });
    }
  });
}
