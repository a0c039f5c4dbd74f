/**
 * What a push tells while it runs, as plain data: rendering is src/cli/push-progress.ts. Types only.
 *
 *   repository → layer… → digest          the last two for each tag
 */

/** docker's words for where a layer is. */
export type PushStatus =
  | "Preparing"
  | "Waiting"
  | "Pushing"
  | "Pushed"
  | "Layer already exists"
  | `Mounted from ${string}`;

export type PushEvent =
  /** The whole name: `docker.io/library/alpine`. */
  | { readonly kind: "repository"; readonly name: string }
  | {
      readonly kind: "layer";
      /** First 12 hex digits of the diffID, as docker shows them. */
      readonly id: string;
      readonly status: PushStatus;
      /** Bytes as stored, of `totalBytes`; with Pushing. */
      readonly doneBytes?: number;
      readonly totalBytes?: number;
    }
  /** Of the manifest, and its size in bytes. */
  | { readonly kind: "digest"; readonly tag: string; readonly digest: string; readonly sizeBytes: number };
