/**
 * The one door to HTTP: every `fetch(` of bocker is here.
 *
 * Guards: a time limit until the headers, retries with back-off of what is temporary, redirects by hand so that the
 * Authorization header goes to the host it was made for and to no other, and no answer from a proxy for loopback.
 * What an answer means is not known here. Proxy variables (HTTPS_PROXY, NO_PROXY …) are Bun's own.
 */
import { BockerError } from "../errors.ts";
import { trace } from "../host/trace.ts";
import { HttpBody } from "./http-body.ts";
import { isInsecureHost, isLoopbackHost, type RegistrySettings } from "./registry-settings.ts";
import { loadTlsTrust, type TlsTrust } from "./tls-trust.ts";
import { TransportError, transportErrorOf } from "./transport-error.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | StreamedBody;
  /** Tries; absent: as the settings say. */
  readonly attempts?: number;
  /** How long the answer may take once all is sent; absent: as the settings say. */
  readonly answerMs?: number;
}

/** A body that is read while it is sent. Opened anew for each try and each redirect. */
export interface StreamedBody {
  readonly sizeBytes: number;
  open(): AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
  /** Whether that is another host than was asked: its 401 is not the registry's. */
  readonly redirectedAway: boolean;
  readonly body: HttpBody;
}

export interface Transport {
  /** Sends and follows. Any status is an answer; throws TransportError when none came. */
  send(request: HttpRequest): Promise<HttpResponse>;
}

const maxRedirects = 10;

/** Makes a transport; what it learns about hosts (certificates) is kept for its life. */
export function createTransport(settings: RegistrySettings): Transport {
  const trusts = new Map<string, Promise<TlsTrust>>();
  const trustFor = (host: string) => {
    const known = trusts.get(host);
    if (known !== undefined) return known;
    const loading = loadTlsTrust(host, settings);
    trusts.set(host, loading);
    return loading;
  };
  const context: Context = { settings, trustFor, unverified: new Set() };
  return { send: (request) => sendWithRetry(request, context) };
}

interface Context {
  readonly settings: RegistrySettings;
  trustFor(host: string): Promise<TlsTrust>;
  /** Insecure hosts whose certificate did not convince. */
  readonly unverified: Set<string>;
}

async function sendWithRetry(request: HttpRequest, context: Context): Promise<HttpResponse> {
  const { timing } = context.settings;
  const attempts = request.attempts ?? timing.attempts;
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= attempts;
    let response: HttpResponse;
    try {
      response = await sendFollowing(request, context);
    } catch (error) {
      if (last || !(error instanceof TransportError) || !error.temporary) throw error;
      await pause(backoffMs(attempt, timing.backoffMs, timing.maxPauseMs));
      continue;
    }
    if (last || !isTemporaryStatus(response.status)) return response;
    const asked = retryAfterMs(response.headers.get("retry-after"), Date.now());
    if (asked !== undefined && asked > timing.maxPauseMs) return response;
    await response.body.drain();
    await pause(asked ?? backoffMs(attempt, timing.backoffMs, timing.maxPauseMs));
  }
}

/** Statuses that say "later", by RFC 9110 and RFC 6585. */
export function isTemporaryStatus(status: number): boolean {
  return status === 408 || status === 429 || status === 500 || (status >= 502 && status <= 504);
}

/** What a Retry-After header asks for, in milliseconds: seconds or an HTTP date. Pure. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** The pause after the `attempt`-th failure: doubling, with up to a quarter of jitter. */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random = Math.random()): number {
  return Math.min(maxMs, baseMs * 2 ** (attempt - 1) * (1 + random / 4));
}

function pause(milliseconds: number): Promise<void> {
  return Bun.sleep(milliseconds);
}

async function sendFollowing(request: HttpRequest, context: Context): Promise<HttpResponse> {
  let url = withoutUserinfo(request.url);
  let away = false;
  const reads = request.method === "GET" || request.method === "HEAD";
  for (let hops = 0; ; hops++) {
    const response = await sendOnce({ ...request, url }, away, context);
    const target = response.headers.get("location");
    const followable = reads ? isRedirect(response.status) : keepsMethod(response.status);
    if (!followable || target === null) return response;
    await response.body.drain();
    if (hops >= maxRedirects) {
      throw new TransportError(`registry "${request.url.host}" redirects more than ${maxRedirects} times`, {
        temporary: false,
      });
    }
    url = redirectTarget(url, target, request.url.host);
    // Once away, always away: a stranger must not steer our credentials on the way back.
    away ||= url.host !== request.url.host;
  }
}

function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The redirects after which a body is sent again. */
function keepsMethod(status: number): boolean {
  return status === 307 || status === 308;
}

/** The next URL, if it may be followed: http(s) only, and never from https down to http. */
export function redirectTarget(from: URL, location: string, host: string): URL {
  const refuse = (reason: string) =>
    new TransportError(`registry "${host}" redirects ${reason}`, { temporary: false });
  if (!URL.canParse(location, from.href)) throw refuse("to something that is no URL");
  const target = withoutUserinfo(new URL(location, from));
  if (target.protocol !== "https:" && target.protocol !== "http:")
    throw refuse(`to a ${target.protocol} URL`);
  if (from.protocol === "https:" && target.protocol === "http:") throw refuse("from https to plain http");
  return target;
}

function withoutUserinfo(url: URL): URL {
  const clean = new URL(url);
  clean.username = "";
  clean.password = "";
  return clean;
}

async function sendOnce(request: HttpRequest, away: boolean, context: Context): Promise<HttpResponse> {
  const { host } = request.url;
  try {
    return await exchange(request, away, context);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const forgivable = error.untrusted && !away && isInsecureHost(host, context.settings);
    if (!forgivable) throw error;
    context.unverified.add(host);
    return exchange(request, away, context);
  }
}

async function exchange(request: HttpRequest, away: boolean, context: Context): Promise<HttpResponse> {
  const { url } = request;
  const { timing } = context.settings;
  const abort = new AbortController();
  const { body: content, answerMs = timing.headersMs } = request;
  let timer: Timer | undefined;
  let isOver = false;
  const allow = (milliseconds: number) => {
    clearTimeout(timer);
    if (!isOver) timer = setTimeout(() => abort.abort(noAnswer(url.host, milliseconds)), milliseconds);
  };
  // While a body goes out, the answer can't come: each piece that is taken starts the clock anew.
  const onTaken = (isLast: boolean) => allow(isLast ? answerMs : timing.headersMs);
  allow(isStreamed(content) ? timing.headersMs : answerMs);
  try {
    const response = await fetch(url.href, {
      method: request.method,
      headers: headersFor(request, away),
      redirect: "manual",
      decompress: false,
      timeout: false,
      signal: abort.signal,
      ...(content === undefined ? {} : { body: bodyOf(content, onTaken) }),
      ...(isLoopbackHost(url.host) ? { proxy: false } : {}),
      ...(url.protocol === "https:" ? { tls: await tlsOptions(url.host, context) } : {}),
    });
    const { status, statusText, headers } = response;
    trace(() => `${request.method} ${url.origin}${url.pathname}: ${status} ${statusText}`);
    const body = new HttpBody(response, url.host, timing, abort);
    return { status, statusText, headers, url, redirectedAway: away, body };
  } catch (error) {
    throw error instanceof BockerError ? error : transportErrorOf(url.host, error);
  } finally {
    // An answer may come before the body has gone out.
    isOver = true;
    clearTimeout(timer);
  }
}

function isStreamed(body: HttpRequest["body"]): body is StreamedBody {
  return typeof body === "object" && "open" in body;
}

function bodyOf(body: NonNullable<HttpRequest["body"]>, onTaken: (isLast: boolean) => void) {
  if (!isStreamed(body)) return body;
  const pieces = body.open()[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        onTaken(done === true);
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

async function tlsOptions(
  host: string,
  context: Context,
): Promise<TlsTrust & { rejectUnauthorized: boolean }> {
  return { ...(await context.trustFor(host)), rejectUnauthorized: !context.unverified.has(host) };
}

/** Nothing that proves who we are goes to a host it was not meant for. */
function headersFor(request: HttpRequest, away: boolean): Record<string, string> {
  const headers: Record<string, string> = { "user-agent": "bocker", "accept-encoding": "identity" };
  if (isStreamed(request.body)) headers["content-length"] = String(request.body.sizeBytes);
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    const lower = name.toLowerCase();
    if (away && (lower === "authorization" || lower === "cookie")) continue;
    headers[lower] = value;
  }
  return headers;
}

function noAnswer(host: string, milliseconds: number): TransportError {
  return new TransportError(`cannot reach registry "${host}": no answer within ${milliseconds / 1000} s`, {
    temporary: true,
    kind: "timeout",
  });
}

/** For messages about a response: `503 Service Unavailable`. */
export function statusLine(response: HttpResponse): string {
  return `${response.status} ${response.statusText}`.trim();
}
