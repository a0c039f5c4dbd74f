/**
 * What the user's side of a container tells: that somebody has left it running, or its terminal has another size.
 */
import type { WindowSize } from "../../ffi/tty.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { Engine } from "./engine.ts";

export interface ClientEvents {
  detached(): void;
  resized(size: WindowSize): void;
}

/** docker's events `detach` and `resize` of a container. */
export function clientEventsOf({ state }: Engine, id: string): ClientEvents {
  return {
    detached: () => appendContainerEvent(state, id, "detach"),
    resized: ({ rows, columns }) =>
      appendContainerEvent(state, id, "resize", { height: String(rows), width: String(columns) }),
  };
}
