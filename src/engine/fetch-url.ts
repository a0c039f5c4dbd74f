/**
 * What a URL serves, for builds: the context, a Dockerfile, a source of ADD. The asking itself is the registry transport's.
 */
import type { FetchedUrl } from "../build/context/context-door.ts";
import { BockerError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { piecesUntilAborted, untilAborted } from "./until-aborted.ts";

/**
 * A function that asks; certificates it has read are kept for its life. Throws kinds `not-found` and `unreachable`, and the
 * signal's reason, also while the body is read.
 */
export function urlFetcher(
  { settings }: Pick<Engine, "settings">,
  signal: AbortSignal | undefined,
): (url: string) => Promise<FetchedUrl> {
  const loading = () =>
    import("../registry/transport.ts").then(({ createTransport }) => createTransport(settings.registries));
  let transport: ReturnType<typeof loading> | undefined;
  return async (text) => {
    const url = URL.parse(text);
    if (url === null) throw new BockerError(`invalid URL ${JSON.stringify(text)}`, { kind: "usage" });
    transport ??= loading();
    const response = await untilAborted(
      (await transport).send({ method: "GET", url, headers: loginOf(url) }),
      signal,
    ).catch((error) => {
      throw unfetched(url, error);
    });
    if (response.status !== 200) {
      await response.body.drain();
      throw new BockerError(
        `cannot fetch ${JSON.stringify(shown(url))}: invalid response status ${response.status}`,
        {
          kind: response.status === 404 ? "not-found" : "unreachable",
        },
      );
    }
    return {
      body: whole(
        piecesUntilAborted(response.body.chunks(), signal),
        response.headers.get("content-length"),
        shown(url),
      ),
      fileName: fileNameOf(response.headers.get("content-disposition")),
      modifiedSeconds: secondsOf(response.headers.get("last-modified")),
    };
  };
}

/** The transport's words are about registries; this is none. */
function unfetched(url: URL, error: unknown): unknown {
  const reason =
    error instanceof BockerError ? /^cannot reach registry "[^"]*": (.*)$/s.exec(error.message) : null;
  if (!(error instanceof BockerError) || reason === null) return error;
  const { kind, cause, hint } = error;
  return new BockerError(`cannot fetch ${JSON.stringify(shown(url))}: ${reason[1]}`, {
    kind,
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

function loginOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { authorization: `Basic ${login.toString("base64")}` };
}

/** Without its password. */
function shown(url: URL): string {
  const clean = new URL(url);
  if (clean.password !== "") clean.password = "xxxxx";
  return clean.href;
}

/** A connection that ends early is no file that happens to be short. */
async function* whole(
  body: AsyncIterable<Uint8Array>,
  lengthHeader: string | null,
  url: string,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const piece of body) {
    doneBytes += piece.byteLength;
    yield piece;
  }
  const length = Number(lengthHeader ?? Number.NaN);
  if (!Number.isSafeInteger(length) || doneBytes >= length) return;
  throw new BockerError(
    `cannot fetch ${JSON.stringify(url)}: it ended after ${doneBytes} of ${length} bytes`,
    {
      kind: "corrupt",
    },
  );
}

/** https://www.rfc-editor.org/rfc/rfc6266, without the form for other alphabets. */
function fileNameOf(header: string | null): string | undefined {
  const [, quoted, bare] = /;\s*filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header ?? "") ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? bare;
}

function secondsOf(header: string | null): number | undefined {
  const ms = Date.parse(header ?? "");
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
