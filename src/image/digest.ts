/**
 * Digests of content: the names by which blobs, manifests and layers are known.
 *
 * A Digest names bytes as they are stored (a layer compressed), a DiffID the same layer uncompressed; the two must
 * not mix, hence the brands, which only the parse functions here give. Follows
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests
 */
import { BockerError } from "../errors.ts";

declare const digestBrand: unique symbol;
declare const diffBrand: unique symbol;

/** `sha256:<64 hex>` or `sha512:<128 hex>`, of bytes as stored or sent. */
export type Digest = string & { readonly [digestBrand]: true };
/** A digest of a layer's uncompressed tar. */
export type DiffID = string & { readonly [diffBrand]: true };
export type DigestAlgorithm = "sha256" | "sha512";

const hexLength: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** Parses `algorithm:hex`. Throws docker's phrases for a bad length or an unknown algorithm. */
export function parseDigest(text: string): Digest {
  const problem = digestProblem(text);
  if (problem !== undefined) {
    throw new BockerError(`invalid digest "${text.slice(0, 160)}": ${problem}`, {
      kind: "invalid-reference",
    });
  }
  return text as Digest;
}

/** The same form as a digest, of the uncompressed layer. */
export function parseDiffID(text: string): DiffID {
  return parseDigest(text) as string as DiffID;
}

/** Why `text` is no digest, or undefined when it is one. */
export function digestProblem(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) return "invalid checksum digest format";
  const algorithm = text.slice(0, colon);
  if (algorithm !== "sha256" && algorithm !== "sha512") return "unsupported digest algorithm";
  const hex = text.slice(colon + 1);
  if (hex.length !== hexLength[algorithm]) return "invalid checksum digest length";
  return /^[0-9a-f]+$/.test(hex) ? undefined : "invalid checksum digest format";
}

export function digestAlgorithm(digest: Digest | DiffID): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The part after the colon: the blob's file name. */
export function digestHex(digest: Digest | DiffID): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** The digest of bytes that are all in memory. */
export function digestOf(bytes: Uint8Array | string, algorithm: DigestAlgorithm = "sha256"): Digest {
  return `${algorithm}:${new Bun.CryptoHasher(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** Hashes a stream piece by piece; `digest()` ends it. */
export class DigestHasher {
  readonly #algorithm: DigestAlgorithm;
  readonly #hasher: Bun.CryptoHasher;

  constructor(algorithm: DigestAlgorithm = "sha256") {
    this.#algorithm = algorithm;
    this.#hasher = new Bun.CryptoHasher(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hasher.update(bytes);
  }

  /** May be called once. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hasher.digest("hex")}` as Digest;
  }
}

/** Throws unless `bytes` are what `want` names; `what` is the object in the message. */
export function verifyDigest(what: string, bytes: Uint8Array, want: Digest): void {
  const got = digestOf(bytes, digestAlgorithm(want));
  if (got !== want) throw digestMismatch(what, got, want);
}

/** The one error for content that is not what its name says. */
export function digestMismatch(what: string, got: string, want: string): BockerError {
  return new BockerError(`${what}: digest mismatch: got ${got}, want ${want}`, {
    kind: "corrupt",
    details: { got, want },
  });
}
