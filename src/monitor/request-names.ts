/**
 * Telling a running container's monitor to serve names: it has got its first network that has any.
 */
import { askMonitor } from "./ask-monitor.ts";
import { encodeJson, FrameType, type NameRequest } from "./protocol.ts";

/** Kept when the resolver answers. */
export function requestNames(socketPath: string, request: NameRequest): Promise<void> {
  return askMonitor(socketPath, FrameType.serveNames, encodeJson(request), FrameType.namesServed);
}
