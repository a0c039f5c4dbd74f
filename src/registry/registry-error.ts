/**
 * What a registry's refusal means, in docker's phrases.
 *
 * Codes: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#error-codes. Bodies may be anything: an
 * HTML page of a proxy in between is summed up by its status.
 */
import { BockerError, type ErrorKind } from "../errors.ts";
import { parseJsonObject } from "../image/json-field.ts";
import { familiarName, familiarRepository, type ImageReference } from "../image/reference.ts";
import { type HttpResponse, statusLine } from "./transport.ts";

/** One entry of a registry's error list. */
export interface RegistryProblem {
  /** `MANIFEST_UNKNOWN` … */
  readonly code: string;
  readonly message: string;
}

const maxErrorBytes = 64 * 1024;

/** The answer of a registry that is no success: thrown by the client, told apart by `status` for mirrors. */
export class RegistryError extends BockerError {
  readonly status: number;
  readonly problems: readonly RegistryProblem[];
  /** The header of that name, for those who try again themselves. */
  readonly retryAfter: string | null;

  constructor(
    message: string,
    options: {
      readonly kind: ErrorKind;
      readonly status: number;
      readonly problems: readonly RegistryProblem[];
      readonly hint?: string;
      readonly retryAfter?: string | null;
    },
  ) {
    const codes = options.problems.map((problem) => problem.code);
    super(message, {
      kind: options.kind,
      details: { status: options.status, codes },
      ...(options.hint === undefined ? {} : { hint: options.hint }),
    });
    this.name = "RegistryError";
    this.status = options.status;
    this.problems = options.problems;
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** Reads the body of a refusal, a little of it. Never throws. */
export async function readProblems(response: HttpResponse): Promise<RegistryProblem[]> {
  try {
    return parseProblems(await response.body.bytes("error", maxErrorBytes));
  } catch {
    return [];
  }
}

/** The error list of a body, empty when it holds none. Pure. */
export function parseProblems(body: Uint8Array | string): RegistryProblem[] {
  try {
    const { errors } = parseJsonObject("error", body);
    if (!Array.isArray(errors)) return [];
    return errors.flatMap((item: unknown) => {
      const { code, message } = (item ?? {}) as { code?: unknown; message?: unknown };
      return typeof code === "string" ? [{ code, message: typeof message === "string" ? message : "" }] : [];
    });
  } catch {
    return [];
  }
}

/** `manifest unknown: manifest unknown`, as Go's client renders the first problem. */
export function renderProblem(problem: RegistryProblem): string {
  const code = problem.code.toLowerCase().replaceAll("_", " ");
  return `${code}: ${problem.message}`.replace(/[\s\p{Cc}]+/gu, " ").slice(0, 300);
}

/** The error for a refused pull. `noCredential`: the user has none for this registry, and Basic was asked for. */
export function pullError(
  reference: ImageReference,
  response: HttpResponse,
  problems: readonly RegistryProblem[],
  noCredential: boolean,
): RegistryError {
  const { status } = response;
  const name = familiarName(reference);
  const [first] = problems;
  const reason = first === undefined ? undefined : renderProblem(first);
  const make = (kind: ErrorKind, message: string, hint?: string) =>
    new RegistryError(message, { kind, status, problems, ...(hint === undefined ? {} : { hint }) });

  if (status === 429 || first?.code === "TOOMANYREQUESTS") {
    return make("unreachable", `cannot pull "${name}": ${reason ?? statusLine(response)}`, "wait, or log in");
  }
  if (status === 401 || status === 403 || first?.code === "DENIED" || first?.code === "UNAUTHORIZED") {
    const why = noCredential ? "no basic auth credentials" : deniedReason(status, first);
    return make("unauthorized", accessDenied(reference, why), loginHint(reference));
  }
  if (status === 404) {
    if (first?.code === "NAME_UNKNOWN") {
      return make("not-found", `repository ${familiarRepository(reference)} not found: ${reason}`);
    }
    return make("not-found", `manifest for ${name} not found: ${reason ?? "manifest unknown: not found"}`);
  }
  return make("unreachable", `cannot pull "${name}": ${reason ?? unexpectedStatus(response)}`);
}

/** The error for a refused push; docker shows the registry's own words and no more. */
export function pushError(
  reference: ImageReference,
  response: HttpResponse,
  problems: readonly RegistryProblem[],
  noCredential: boolean,
): RegistryError {
  const { status } = response;
  const [first] = problems;
  const retryAfter = response.headers.get("retry-after");
  if (status === 401 || status === 403 || first?.code === "DENIED" || first?.code === "UNAUTHORIZED") {
    const why = noCredential ? "no basic auth credentials" : deniedReason(status, first);
    const hint = `log in with rights to push: bocker login ${reference.registry}`;
    return new RegistryError(why, { kind: "unauthorized", status, problems, hint });
  }
  const reason = first === undefined ? unexpectedStatus(response) : renderProblem(first);
  const message = `cannot push to "${familiarRepository(reference)}": ${reason}`;
  const kind = status === 404 ? "not-found" : "unreachable";
  return new RegistryError(message, { kind, status, problems, retryAfter });
}

/** The error for a question about the registry itself (`/v2/`, `/v2/_catalog`). */
export function registryRefusal(
  registry: string,
  response: HttpResponse,
  problems: readonly RegistryProblem[],
): RegistryError {
  const { status } = response;
  const [first] = problems;
  const kind = status === 401 || status === 403 ? "unauthorized" : "unreachable";
  const reason = first === undefined ? unexpectedStatus(response) : renderProblem(first);
  return new RegistryError(`registry "${registry}": ${reason}`, { kind, status, problems });
}

/** docker's words for an answer that says nothing else. */
function unexpectedStatus(response: HttpResponse): string {
  return `received unexpected HTTP status: ${statusLine(response)}`;
}

function accessDenied(reference: ImageReference, why: string): string {
  const repository = familiarRepository(reference);
  return `pull access denied for ${repository}, repository does not exist or may require 'docker login': ${why}`;
}

/** Hub answers UNAUTHORIZED to a token without rights where other registries say DENIED; docker shows both so. */
function deniedReason(status: number, problem: RegistryProblem | undefined): string {
  if (problem !== undefined) return renderProblem(problem);
  return status === 401
    ? "unauthorized: authentication required"
    : "denied: requested access to the resource is denied";
}

function loginHint(reference: ImageReference): string {
  return `check the name; for a private image: bocker login ${reference.registry}`;
}
