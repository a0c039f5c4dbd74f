/**
 * What applyLayer and its child say to each other.
 *
 *   parent → child   argv: layer-apply ORDER (JSON); stdin: the layer's bytes as stored
 *   child → parent   stdout, a JSON object a line:  {"bytes":N}…  then  {"done":FACTS} or {"error":ERROR}
 */
import { BockerError, type ErrorKind } from "../errors.ts";
import type { DiffID } from "../image/digest.ts";

/** Bounds that protect the disk from a small download; raise them for honest giants. */
export interface LayerLimits {
  /** Bytes of uncompressed tar; 64 GiB when absent. */
  readonly maxLayerBytes?: number;
  /** Uncompressed to compressed, watched from the first GiB on; 200 when absent. */
  readonly maxExpansion?: number;
}

export interface LayerOrder {
  /** An empty directory; becomes the child's root. */
  readonly directory: string;
  /** Absent: not known before; the reply tells it. */
  readonly diffID?: DiffID;
  /** A tar without members is one too: it comes from us. */
  readonly mayBeEmpty?: true;
  readonly limits: LayerLimits;
}

/** What is kept about a layer, as layer/HEX.json. */
export interface LayerFacts {
  readonly diffID: DiffID;
  /** Bytes of file content, each hard-linked file once: what docker calls the layer's size. */
  readonly sizeBytes: number;
  /** Members of the tar. */
  readonly entries: number;
  /** The tar describes `/` itself; if not, the root's mode is that of a layer below. */
  readonly describesRoot: boolean;
  /** The root is marked opaque: nothing of the layers below shows. Overlayfs itself does not look for that mark there. */
  readonly opaqueRoot: boolean;
}

export interface ErrorMessage {
  readonly message: string;
  readonly kind: ErrorKind;
  readonly hint?: string;
}

export type LayerReply =
  | { readonly bytes: number }
  | { readonly done: LayerFacts }
  | { readonly error: ErrorMessage };

/** One line of the child's output. Throws kind `internal` on anything else. */
export function parseLayerReply(line: string): LayerReply {
  try {
    const reply = JSON.parse(line) as LayerReply;
    if (typeof reply === "object" && ("bytes" in reply || "done" in reply || "error" in reply)) return reply;
  } catch {
    // Said below.
  }
  throw new BockerError(`unexpected answer of the unpacking process: ${JSON.stringify(line.slice(0, 200))}`);
}

/** An error to its message, and back: the cause's text is folded in. */
export function toErrorMessage(thrown: unknown): ErrorMessage {
  if (!(thrown instanceof BockerError)) {
    const code = (thrown as { code?: unknown } | null)?.code;
    const full = code === "ENOSPC" || code === "EDQUOT";
    return {
      message: thrown instanceof Error ? thrown.message : String(thrown),
      kind: "host",
      ...(full ? { hint: "free some space, for example with bocker system prune" } : {}),
    };
  }
  return {
    message: thrown.message,
    kind: thrown.kind,
    ...(thrown.hint === undefined ? {} : { hint: thrown.hint }),
  };
}

export function fromErrorMessage(error: ErrorMessage): BockerError {
  return new BockerError(error.message, {
    kind: error.kind,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
