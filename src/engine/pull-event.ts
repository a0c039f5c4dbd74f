/**
 * What a pull tells while it runs, as plain data: rendering is src/cli/pull-progress.ts. Types only.
 *
 *   resolved → layer… → digest → status            a warning may come anywhere in between
 */

/** docker's words for where a layer is. */
export type LayerStatus =
  | "Pulling fs layer"
  | "Waiting"
  | "Downloading"
  | "Retrying"
  | "Verifying Checksum"
  | "Download complete"
  | "Extracting"
  | "Pull complete"
  | "Already exists";

export type PullEvent =
  /** `label` is the tag, or the whole name when it was asked for by digest. */
  | { readonly kind: "resolved"; readonly label: string; readonly repository: string }
  | {
      readonly kind: "layer";
      /** First 12 hex digits of the layer's digest. */
      readonly id: string;
      readonly status: LayerStatus;
      /** Bytes as stored, of `totalBytes`; with Downloading and Extracting. */
      readonly doneBytes?: number;
      readonly totalBytes?: number;
    }
  | { readonly kind: "warning"; readonly message: string }
  /** Of what the reference names: the index where there is one. */
  | { readonly kind: "digest"; readonly digest: string }
  /** `name` is the familiar name with its tag or digest. */
  | { readonly kind: "status"; readonly upToDate: boolean; readonly name: string };
