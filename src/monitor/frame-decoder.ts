/**
 * Cuts a byte stream into frames (protocol.ts). Pure; holds at most one incomplete frame.
 *
 * Payloads are views of what was pushed in wherever a frame lies within one chunk: nothing is copied twice.
 */
import { FrameType, headerBytes, maxPayloadBytes } from "./protocol.ts";

export interface Frame {
  readonly type: FrameType;
  readonly payload: Uint8Array;
}

const knownTypes: ReadonlySet<number> = new Set(Object.values(FrameType));

export class FrameDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** The frames that are complete now. Throws RangeError for bytes that are not this protocol. */
  push(chunk: Uint8Array): Frame[] {
    const bytes = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Frame[] = [];
    let at = 0;
    for (;;) {
      const end = frameEnd(bytes, at);
      if (end === undefined || end > bytes.byteLength) break;
      frames.push({ type: bytes[at] as FrameType, payload: bytes.subarray(at + headerBytes, end) });
      at = end;
    }
    this.#rest = bytes.subarray(at);
    return frames;
  }
}

function frameEnd(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.byteLength - at < headerBytes) return undefined;
  const type = bytes[at] ?? 0;
  const length = new DataView(bytes.buffer, bytes.byteOffset + at, headerBytes).getUint32(1, true);
  if (!knownTypes.has(type) || length > maxPayloadBytes) {
    throw new RangeError(`not a frame: type ${type}, ${length} bytes`);
  }
  return at + headerBytes + length;
}
