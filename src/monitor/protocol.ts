/**
 * What a client (bocker run, start -a, attach) and a container's monitor say to each other.
 *
 *   frame = │ type u8 │ length u32, little-endian │ payload … │        at most 1 MiB of payload
 *
 *   client                                    monitor
 *     │── start {id, attach?, …} ───────────────▶│  only on the channel the monitor was born with,
 *     │◀─ started ───────────────────────────────│  once; or error {…} and the end
 *     │── attach {stdin, stdout, stderr} ───────▶│  only on the socket, first
 *     │◀─ attached ──────────────────────────────│
 *     │◀─ stdout │ stderr ───────────────────────│  while a client's socket is full the container's stream is
 *     │                                          │  not read: it blocks, as docker lets it
 *     │── stdin, at most stdinWindow unanswered ▶│
 *     │◀─ stdinTaken u32 ────────────────────────│  so many bytes went into the container
 *     │── stdinEnd ─────────────────────────────▶│
 *     │◀─ stdinClosed ───────────────────────────│  the container reads no more
 *     │── resize rows u16, columns u16 ─────────▶│
 *     │── signal u8 ────────────────────────────▶│
 *     │── closeOutput u8 (1 stdout, 2 stderr) ──▶│  the client's own stdout broke
 *     │◀─ exit {exitCode, warning?} ─────────────│  behind all output; the last frame
 *     │── ports {container, ports} ─────────────▶│  only on the socket, first: serve exactly these
 *     │◀─ portsTaken ────────────────────────────│  or error {…}; then the end
 *     │── serveNames {order, pid} ──────────────▶│  only on the socket, first: it is on a network with names now
 *     │◀─ namesServed ───────────────────────────│  or error {…}; then the end
 *
 * stdin has a window of its own instead of a full socket, so that a signal always gets through. A client
 * that closes the socket has detached. Both ends are root's and of the same build: there is no version.
 */
import { BockerError, type ErrorKind } from "../errors.ts";
import type { NameOrder } from "../network/name-order.ts";
import type { PortsOrder } from "./held-ports.ts";
import type { AttachRequest } from "./session.ts";

export const FrameType = {
  start: 1,
  attach: 2,
  stdin: 3,
  stdinEnd: 4,
  resize: 5,
  signal: 6,
  closeOutput: 7,
  ports: 8,
  serveNames: 9,
  started: 16,
  attached: 17,
  stdout: 18,
  stderr: 19,
  stdinTaken: 20,
  stdinClosed: 21,
  exit: 22,
  error: 23,
  portsTaken: 24,
  namesServed: 25,
} as const;

export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const headerBytes = 5;
export const maxPayloadBytes = 1 << 20;
/** Bytes of stdin a client may have sent without an answer. */
export const stdinWindowBytes = 256 * 1024;
/** Bytes of stdin in one frame. */
export const stdinChunkBytes = 64 * 1024;

export interface StartOrder {
  /** 64 hex digits. */
  readonly id: string;
  /** Absent: nobody stays connected (run -d). */
  readonly attach?: AttachRequest;
}

export interface ExitNotice {
  readonly exitCode: number;
  /** What went wrong while cleaning up, for stderr. */
  readonly warning?: string;
}

export interface NameRequest {
  readonly order: NameOrder;
  /** Of the container's first process. */
  readonly pid: number;
}

/** Header and payload in one buffer, so that a frame is one write. */
export function encodeFrame(type: FrameType, payload: Uint8Array = empty): Uint8Array {
  const frame = new Uint8Array(headerBytes + payload.byteLength);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, payload.byteLength, true);
  frame.set(payload, headerBytes);
  return frame;
}

const empty = new Uint8Array(0);

/** JSON payloads: start, attach, ports, serveNames, exit, error. */
export function encodeJson(
  value: StartOrder | AttachRequest | PortsOrder | NameRequest | ExitNotice | WireError,
): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

export function decodeJson<Value>(payload: Uint8Array): Value {
  return JSON.parse(Buffer.from(payload).toString("utf8")) as Value;
}

/** u16 pairs and u32 counters. */
export function encodeSize(size: { readonly rows: number; readonly columns: number }): Uint8Array {
  const payload = new Uint8Array(4);
  const view = new DataView(payload.buffer);
  view.setUint16(0, size.rows, true);
  view.setUint16(2, size.columns, true);
  return payload;
}

export function decodeSize(payload: Uint8Array): { readonly rows: number; readonly columns: number } {
  const view = viewOf(payload, 4);
  return { rows: view.getUint16(0, true), columns: view.getUint16(2, true) };
}

export function encodeCount(count: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setUint32(0, count, true);
  return payload;
}

export function decodeCount(payload: Uint8Array): number {
  return viewOf(payload, 4).getUint32(0, true);
}

function viewOf(payload: Uint8Array, bytes: number): DataView {
  if (payload.byteLength !== bytes)
    throw new RangeError(`payload of ${payload.byteLength} bytes, not ${bytes}`);
  return new DataView(payload.buffer, payload.byteOffset, bytes);
}

/** A BockerError on its way to another process; causes are kept as their messages. */
export interface WireError {
  readonly message: string;
  readonly kind: ErrorKind;
  readonly exitCode?: number;
  readonly hint?: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly cause?: WireError;
}

/** Anything that was thrown as data: message, kind, exit code, hint, and the chain of causes. */
export function toWireError(thrown: unknown): WireError {
  const error = thrown instanceof BockerError ? thrown : undefined;
  const cause = thrown instanceof Error && thrown.cause !== undefined ? toWireError(thrown.cause) : undefined;
  return {
    message: thrown instanceof Error ? thrown.message : String(thrown),
    kind: error?.kind ?? "internal",
    details: error?.details ?? {},
    ...(error?.exitCode === undefined ? {} : { exitCode: error.exitCode }),
    ...(error?.hint === undefined ? {} : { hint: error.hint }),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** The other way round: an error that renders as the original would have. */
export function fromWireError(wire: WireError): BockerError {
  return new BockerError(wire.message, {
    kind: wire.kind,
    details: wire.details,
    ...(wire.exitCode === undefined ? {} : { exitCode: wire.exitCode }),
    ...(wire.hint === undefined ? {} : { hint: wire.hint }),
    ...(wire.cause === undefined ? {} : { cause: fromWireError(wire.cause) }),
  });
}
