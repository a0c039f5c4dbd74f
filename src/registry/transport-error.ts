/**
 * Failures below the registry protocol: no connection, no certificate, a body that stops or never ends.
 *
 * `temporary` says whether the same request may work when it is made again; the transport retries those, the blob
 * reader resumes after them, and the client turns to the next mirror after any.
 */
import { BockerError, type ErrorKind, messageOf } from "../errors.ts";

/** No usable answer: caught by the transport (retry), the blob reader (resume) and the client (next mirror). */
export class TransportError extends BockerError {
  readonly temporary: boolean;
  /** The certificate was not believed. */
  readonly untrusted: boolean;
  /** There is no TLS on the other side. */
  readonly plain: boolean;

  constructor(
    message: string,
    options: {
      readonly temporary: boolean;
      readonly kind?: ErrorKind;
      readonly untrusted?: boolean;
      readonly plain?: boolean;
      readonly hint?: string;
      readonly cause?: unknown;
    },
  ) {
    super(message, {
      kind: options.kind ?? "unreachable",
      cause: options.cause,
      ...(options.hint === undefined ? {} : { hint: options.hint }),
    });
    this.name = "TransportError";
    this.temporary = options.temporary;
    this.untrusted = options.untrusted ?? false;
    this.plain = options.plain ?? false;
  }
}

const offlineHint =
  'without a network, run the embedded image ("bocker run busybox") or a file ("bocker run ./image.tar")';

/** The same error for somebody who wanted an image, with what to do without that registry. */
export function withOfflineHint(error: TransportError): TransportError {
  const { temporary, kind, untrusted, plain, cause } = error;
  if (error.hint !== undefined || kind !== "unreachable") return error;
  return new TransportError(error.message, { temporary, kind, untrusted, plain, cause, hint: offlineHint });
}

/** Words for what fetch threw, for the host it was sent to. */
export function transportErrorOf(host: string, thrown: unknown): TransportError {
  if (thrown instanceof TransportError) return thrown;
  const code = codeOf(thrown);
  const reason = (text: string) => `cannot reach registry "${host}": ${text}`;
  const unreachable = (text: string, temporary: boolean) =>
    new TransportError(reason(text), { temporary, cause: thrown });
  switch (code) {
    case "ECONNREFUSED":
    case "ConnectionRefused":
      return unreachable("connection refused", false);
    case "ENOTFOUND":
      return unreachable("no such host", false);
    case "EAI_AGAIN":
      return unreachable("the name server does not answer", true);
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return unreachable("network is unreachable", false);
    case "EPROTO":
      return new TransportError(reason("it does not speak TLS"), {
        temporary: false,
        plain: true,
        hint: `if it is a plain http registry, list "${host}" as insecure in /etc/bocker/config.toml`,
        cause: thrown,
      });
    default:
      if (isCertificateCode(code)) return untrusted(host, thrown);
      return unreachable(shortReason(code, thrown), true);
  }
}

function untrusted(host: string, thrown: unknown): TransportError {
  const text = messageOf(thrown);
  return new TransportError(`cannot trust registry "${host}": ${text}`, {
    temporary: false,
    untrusted: true,
    hint: `put its authority's certificate into /etc/docker/certs.d/${host}/ca.crt`,
    cause: thrown,
  });
}

function shortReason(code: string, thrown: unknown): string {
  if (code === "ECONNRESET" || code === "ConnectionClosed") return "connection closed unexpectedly";
  return messageOf(thrown)
    .replace(/\s*For more information, pass `verbose.*$/, "")
    .replace(/\s+/g, " ");
}

function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error ? (thrown as Error & { code?: unknown }).code : undefined;
  return typeof code === "string" ? code : "";
}

/** OpenSSL's names for what can be wrong with a chain. */
function isCertificateCode(code: string): boolean {
  return /CERT|UNABLE_TO_|SELF_SIGNED|HOSTNAME_MISMATCH|ALTNAME|_CA$|CRL/.test(code);
}
