/**
 * Answers a registry's challenges: makes the Authorization header of each request to one endpoint.
 *
 * Tokens are kept per scope for their life and shared by requests that run at once; a 401 for a token that was
 * thought good is answered with a new one, once. Credentials go to the token server that the registry names only
 * over https, or when the registry itself is spoken to in plain http.
 * https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/
 */
import { BockerError } from "../errors.ts";
import { optionalSize, optionalString, parseJsonObject } from "../image/json-field.ts";
import { type Challenge, chooseChallenge, parseChallenges } from "./challenge.ts";
import type { Credential } from "./credential.ts";
import { type HttpRequest, statusLine, type Transport } from "./transport.ts";
import { TransportError } from "./transport-error.ts";

/** Tokens are renewed this long before they end. */
const marginMs = 5_000;
/** The specification's default. */
const defaultLifeSeconds = 60;
const maxTokenAnswerBytes = 1024 * 1024;

interface Token {
  readonly header: string;
  readonly endsAtMs: number;
}

/** One per endpoint, shared by all requests to it; see the head of the file. */
export class Authorizer {
  readonly #transport: Transport;
  readonly #loadCredential: () => Credential | undefined;
  readonly #tokens = new Map<string, Promise<Token>>();
  #challenge: Challenge | undefined;
  #credential: Credential | undefined | "unread" = "unread";

  constructor(transport: Transport, loadCredential: () => Credential | undefined) {
    this.#transport = transport;
    this.#loadCredential = loadCredential;
  }

  /** Whether the user's configuration knows this registry. */
  get hasCredential(): boolean {
    return this.#readCredential() !== undefined;
  }

  /**
   * The Authorization header for a scope (`repository:library/alpine:pull`; several with a space between; empty to
   * prove no more than who one is), undefined while none was asked for.
   */
  async header(scope: string, base: URL): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    if (challenge.scheme === "basic") return basicHeader(this.#readCredential());
    const known = await this.#tokens.get(scope);
    if (known !== undefined && known.endsAtMs - marginMs > Date.now()) return known.header;
    return (await this.#renew(challenge, scope, base)).header;
  }

  /**
   * Takes note of a 401. `sent` is the header the refused request had. Returns whether it is worth trying again:
   * not when the same proof would be shown again.
   */
  refused(wwwAuthenticate: string | null, scope: string, sent: string | undefined): boolean {
    const challenge = chooseChallenge(parseChallenges(wwwAuthenticate ?? ""));
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    if (challenge.scheme === "basic") {
      const header = basicHeader(this.#readCredential());
      return header !== undefined && header !== sent;
    }
    // Another request may have renewed the token meanwhile; dropping that costs one round trip.
    this.#tokens.delete(scope);
    return true;
  }

  #renew(challenge: Challenge, scope: string, base: URL): Promise<Token> {
    const fetching = this.#fetchToken(challenge, scope, base);
    this.#tokens.set(scope, fetching);
    fetching.catch(() => {
      if (this.#tokens.get(scope) === fetching) this.#tokens.delete(scope);
    });
    return fetching;
  }

  async #fetchToken(challenge: Challenge, scope: string, base: URL): Promise<Token> {
    const credential = this.#readCredential();
    if (credential?.kind === "registry") {
      return { header: `Bearer ${credential.token}`, endsAtMs: Number.POSITIVE_INFINITY };
    }
    const realm = tokenServer(challenge, base, credential !== undefined);
    const request = tokenRequest(realm, challenge, scope, credential);
    const response = await this.#transport.send(request);
    const text = await response.body.bytes(`answer of token server "${realm.host}"`, maxTokenAnswerBytes);
    if (response.status !== 200) throw refusedToken(realm, response.status, statusLine(response), text);
    return parseToken(realm, text);
  }

  #readCredential(): Credential | undefined {
    if (this.#credential === "unread") this.#credential = this.#loadCredential();
    return this.#credential;
  }
}

function basicHeader(credential: Credential | undefined): string | undefined {
  if (credential?.kind !== "password") return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString("base64")}`;
}

function tokenServer(challenge: Challenge, base: URL, withSecrets: boolean): URL {
  const realm = challenge.parameters.realm ?? "";
  const url = URL.canParse(realm, base.href) ? new URL(realm, base) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new TransportError(`registry "${base.host}" names the token server "${realm.slice(0, 200)}"`, {
      temporary: false,
    });
  }
  if (url.protocol === "http:" && base.protocol === "https:" && withSecrets) {
    throw new TransportError(
      `registry "${base.host}" wants the password sent in clear to "${url.host}"; refused`,
      { temporary: false, kind: "unauthorized" },
    );
  }
  return url;
}

function tokenRequest(
  realm: URL,
  challenge: Challenge,
  scope: string,
  credential: Credential | undefined,
): HttpRequest {
  const service = challenge.parameters.service ?? "";
  if (credential?.kind === "identity") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      service,
      scope,
      client_id: "bocker",
      refresh_token: credential.token,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST", url: realm, headers, body: form.toString() };
  }
  const url = new URL(realm);
  if (service !== "") url.searchParams.set("service", service);
  for (const one of scope.split(" ")) if (one !== "") url.searchParams.append("scope", one);
  if (credential?.kind === "password") url.searchParams.set("account", credential.username);
  const basic = basicHeader(credential);
  return { method: "GET", url, headers: basic === undefined ? {} : { authorization: basic } };
}

function parseToken(realm: URL, text: Uint8Array): Token {
  const what = `answer of token server "${realm.host}"`;
  const json = parseJsonObject(what, text);
  const token = optionalString(`${what}: token`, json.token) || optionalString(what, json.access_token);
  // A line break in it would be a header of the server's own making.
  if (!token || !/^[\x21-\x7e]+$/.test(token))
    throw new BockerError(`${what}: no token`, { kind: "corrupt" });
  const life = optionalSize(`${what}: expires_in`, json.expires_in) ?? defaultLifeSeconds;
  return { header: `Bearer ${token}`, endsAtMs: Date.now() + Math.max(life, defaultLifeSeconds) * 1000 };
}

function refusedToken(realm: URL, status: number, line: string, body: Uint8Array): BockerError {
  if (status !== 400 && status !== 401 && status !== 403) {
    return new BockerError(`cannot get a token from "${realm.host}": ${line}`, { kind: "unreachable" });
  }
  return new BockerError(`unauthorized: ${reasonIn(body) ?? "incorrect username or password"}`, {
    kind: "unauthorized",
    details: { tokenServer: realm.host, status },
  });
}

/** Token servers answer in several shapes; a short text in any of them is better than none. */
function reasonIn(body: Uint8Array): string | undefined {
  try {
    const json = parseJsonObject("", body);
    const [first] = Array.isArray(json.errors) ? json.errors : [];
    const text = json.details ?? json.message ?? json.error_description ?? first?.message;
    return typeof text === "string" && text !== "" ? text.slice(0, 200).replace(/\s+/g, " ") : undefined;
  } catch {
    return undefined;
  }
}
