/**
 * A registry as one thing to ask: its mirrors and itself, the right scheme for each, and its challenges answered.
 *
 * Knows the shape of the API's paths and no media type. One client serves one registry for the life of a command, so
 * that connections and tokens are shared by all layers. Mirrors are only read from.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
 */
import { BockerError } from "../errors.ts";
import type { ImageReference, Registry, Repository } from "../image/reference.ts";
import { Authorizer } from "./authorizer.ts";
import { type Credential, loadCredential } from "./credential.ts";
import {
  pullError,
  pushError,
  RegistryError,
  type RegistryProblem,
  readProblems,
  registryRefusal,
} from "./registry-error.ts";
import {
  type Endpoint,
  planEndpoints,
  type RegistrySettings,
  type TransportTiming,
} from "./registry-settings.ts";
import { createTransport, type HttpRequest, type HttpResponse, type Transport } from "./transport.ts";
import { TransportError, withOfflineHint } from "./transport-error.ts";

export interface RegistryQuery {
  readonly method: "GET" | "HEAD";
  /** After the repository: `manifests/latest`, `blobs/sha256:…`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RegistryWrite {
  readonly method: HttpRequest["method"];
  /** After the repository, or the address that an earlier answer named. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: NonNullable<HttpRequest["body"]>;
  /** Another repository that is read for this. */
  readonly mountFrom?: Repository;
  /** Both as in HttpRequest. */
  readonly attempts?: number;
  readonly answerMs?: number;
}

/** A question about the registry itself. */
export interface RegistryQuestion {
  /** After the host: `/v2/`. */
  readonly path: string;
  /** `registry:catalog:*`; empty: only who is asking. */
  readonly scope: string;
}

export interface RegistryClient {
  readonly registry: Registry;
  readonly timing: TransportTiming;
  /**
   * Asks mirrors, then the registry, and gives the first answer with one of the statuses in `accept`. Throws
   * RegistryError for the registry's refusal, in docker's phrases about `reference`, TransportError when nobody answers.
   */
  query(reference: ImageReference, query: RegistryQuery, accept: readonly number[]): Promise<HttpResponse>;
  /** Sends to the registry itself with the right to push. Throws as `query` does, in docker's phrases for a push. */
  write(reference: ImageReference, write: RegistryWrite, accept: readonly number[]): Promise<HttpResponse>;
  /** Asks the registry itself, whatever it answers. */
  inquire(question: RegistryQuestion): Promise<HttpResponse>;
}

/** Makes a client. No connection yet. */
export function createRegistryClient(
  registry: Registry,
  settings: RegistrySettings,
  credentialOf: (host: Registry) => Credential | undefined = loadCredential,
): RegistryClient {
  const transport = createTransport(settings);
  const connections = planEndpoints(registry, settings).map((endpoint) => {
    const owner = endpoint.mirror ? (endpoint.host as Registry) : registry;
    return new Connection(endpoint, transport, new Authorizer(transport, () => credentialOf(owner)));
  });
  const own = connections.at(-1);
  if (own === undefined) throw new BockerError(`registry "${registry}" has no address`);
  return {
    registry,
    timing: settings.timing,
    query: (reference, query, accept) => ask(connections, reference, query, accept),
    write: (reference, write, accept) => own.write(reference, write, accept),
    inquire: (question) => own.inquire(question),
  };
}

/** Takes an answer of `inquire` that has the wanted status. Throws the registry's refusal otherwise. */
export async function mustBeOk(registry: Registry, response: HttpResponse): Promise<HttpResponse> {
  if (response.status === 200) return response;
  throw registryRefusal(registry, response, await readProblems(response));
}

async function ask(
  connections: readonly Connection[],
  reference: ImageReference,
  query: RegistryQuery,
  accept: readonly number[],
): Promise<HttpResponse> {
  let failure: unknown;
  for (const connection of connections) {
    try {
      return await connection.query(reference, query, accept);
    } catch (error) {
      // What a mirror can't give, the registry may; the registry's own word is the last and the one shown.
      if (!(error instanceof RegistryError || error instanceof TransportError)) throw error;
      failure = error;
    }
  }
  throw failure instanceof TransportError ? withOfflineHint(failure) : failure;
}

/** A request with its proof may be refused twice: for no token, and for one that ended early. */
const maxAuthRounds = 3;

class Connection {
  readonly #endpoint: Endpoint;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;
  #base: Promise<URL> | undefined;

  constructor(endpoint: Endpoint, transport: Transport, authorizer: Authorizer) {
    this.#endpoint = endpoint;
    this.#transport = transport;
    this.#authorizer = authorizer;
  }

  async query(
    reference: ImageReference,
    query: RegistryQuery,
    accept: readonly number[],
  ): Promise<HttpResponse> {
    const base = await this.#resolveBase();
    const repository = `${this.#endpoint.prefix}${reference.repository}`;
    const url = new URL(`/v2/${repository}/${query.path}`, base);
    const scope = `repository:${repository}:pull`;
    const response = await this.#authorized({ ...query, url, ...this.#patience() }, scope, base);
    return this.#accepted(response, accept, (problems, noCredential) =>
      pullError(reference, response, problems, noCredential),
    );
  }

  async write(
    reference: ImageReference,
    { target, mountFrom, ...rest }: RegistryWrite,
    accept: readonly number[],
  ): Promise<HttpResponse> {
    const base = await this.#resolveBase();
    const url = typeof target === "string" ? new URL(`/v2/${reference.repository}/${target}`, base) : target;
    const scopes = [
      `repository:${reference.repository}:pull,push`,
      ...(mountFrom === undefined ? [] : [`repository:${mountFrom}:pull`]),
    ];
    // A registry may let another host take the bytes; that one is shown nothing of ours.
    const response =
      url.host === base.host
        ? await this.#authorized({ ...rest, url }, scopes.join(" "), base)
        : await this.#transport.send({ ...rest, url });
    return this.#accepted(response, accept, (problems, noCredential) =>
      pushError(reference, response, problems, noCredential),
    );
  }

  async inquire({ path, scope }: RegistryQuestion): Promise<HttpResponse> {
    const base = await this.#resolveBase();
    return this.#authorized({ method: "GET", url: new URL(path, base) }, scope, base);
  }

  async #accepted(
    response: HttpResponse,
    accept: readonly number[],
    refusal: (problems: readonly RegistryProblem[], noCredential: boolean) => RegistryError,
  ): Promise<HttpResponse> {
    if (accept.includes(response.status)) return response;
    const problems = await readProblems(response);
    const basic = (response.headers.get("www-authenticate") ?? "").trim().toLowerCase().startsWith("basic");
    throw refusal(problems, response.status === 401 && basic && !this.#authorizer.hasCredential);
  }

  /** Sends with the proof there is, and again with the one that is asked for. */
  async #authorized(request: HttpRequest, scope: string, base: URL): Promise<HttpResponse> {
    for (let round = 1; ; round++) {
      const proof = await this.#authorizer.header(scope, base);
      const headers = { ...request.headers, ...(proof === undefined ? {} : { authorization: proof }) };
      const response = await this.#transport.send({ ...request, headers });
      if (response.status !== 401 || response.redirectedAway || round >= maxAuthRounds) return response;
      if (!this.#authorizer.refused(response.headers.get("www-authenticate"), scope, proof)) return response;
      await response.body.drain();
    }
  }

  /** A mirror that is down should not keep the user waiting. */
  #patience(): { readonly attempts?: number } {
    return this.#endpoint.mirror ? { attempts: 1 } : {};
  }

  /** The scheme that answers. Only hosts that may speak plain http are probed, with a request that proves nothing. */
  #resolveBase(): Promise<URL> {
    this.#base ??= this.#probe();
    return this.#base;
  }

  async #probe(): Promise<URL> {
    const { host, schemes } = this.#endpoint;
    const bases = schemes.map((scheme) => new URL(`${scheme}://${host}/`));
    const [first, second] = bases;
    if (first === undefined || second === undefined) return first ?? new URL(`https://${host}/`);
    try {
      const response = await this.#transport.send({
        method: "GET",
        url: new URL("/v2/", first),
        attempts: 1,
      });
      await response.body.drain();
      return first;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return second;
    }
  }
}
