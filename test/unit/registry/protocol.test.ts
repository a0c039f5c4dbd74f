import { describe, expect, test } from "bun:test";
import { parseReference } from "../../../src/image/reference.ts";
import { chooseChallenge, parseChallenges } from "../../../src/registry/challenge.ts";
import { credentialFromAuths } from "../../../src/registry/credential.ts";
import { parseProblems, renderProblem } from "../../../src/registry/registry-error.ts";
import {
  defaultRegistrySettings,
  isLoopbackHost,
  planEndpoints,
} from "../../../src/registry/registry-settings.ts";
import {
  backoffMs,
  isTemporaryStatus,
  redirectTarget,
  retryAfterMs,
} from "../../../src/registry/transport.ts";
import { transportErrorOf, withOfflineHint } from "../../../src/registry/transport-error.ts";

const { registry: localhost } = parseReference("localhost:5000/x");
const { registry: hub } = parseReference("x");
const { registry: quay } = parseReference("quay.io/x");

describe("parseChallenges", () => {
  const plain = (header: string) => parseChallenges(header).map((c) => [c.scheme, { ...c.parameters }]);
  test.each([
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a:pull,push"',
      [
        [
          "bearer",
          {
            realm: "https://auth.docker.io/token",
            service: "registry.docker.io",
            scope: "repository:a:pull,push",
          },
        ],
      ],
    ],
    ['Basic realm="Registry Realm"', [["basic", { realm: "Registry Realm" }]]],
    ["basic", [["basic", {}]]],
    ["Basic REALM=x", [["basic", { realm: "x" }]]],
    [
      'Negotiate, Basic realm="a, b", Bearer realm="https://t", error="invalid_token"',
      [
        ["negotiate", {}],
        ["basic", { realm: "a, b" }],
        ["bearer", { realm: "https://t", error: "invalid_token" }],
      ],
    ],
    ['Bearer realm="a\\"b"', [["bearer", { realm: 'a"b' }]]],
    ["", []],
    [",,, ", []],
    ['"', []],
    ['Bearer realm="unterminated', [["bearer", {}]]],
  ])("%s", (header, expected) => expect(plain(header)).toEqual(expected as never));

  test("ends on any input", () => {
    for (const text of [
      "=".repeat(20_000),
      "a=".repeat(20_000),
      `Bearer ${'x="'.repeat(5_000)}`,
      "a ".repeat(9_000),
    ]) {
      expect(Array.isArray(parseChallenges(text))).toBe(true);
    }
  });

  test("Bearer is answered before Basic, and only with a realm", () => {
    expect(chooseChallenge(parseChallenges('Basic realm="x", Bearer realm="https://t"'))?.scheme).toBe(
      "bearer",
    );
    expect(chooseChallenge(parseChallenges("Bearer, Basic"))?.scheme).toBe("basic");
    expect(chooseChallenge(parseChallenges("Negotiate"))).toBeUndefined();
  });
});

describe("endpoints", () => {
  const plan = (registry: typeof hub, changes = {}) =>
    planEndpoints(registry, { ...defaultRegistrySettings, ...changes });

  test("the hub lives elsewhere, loopback and insecure hosts may speak http, others never", () => {
    expect(plan(hub)).toEqual([
      { host: "registry-1.docker.io", prefix: "", schemes: ["https"], mirror: false },
    ]);
    expect(plan(localhost)).toMatchObject([{ host: "localhost:5000", schemes: ["https", "http"] }]);
    expect(plan(quay)).toMatchObject([{ schemes: ["https"] }]);
    expect(plan(quay, { insecure: ["quay.io"] })).toMatchObject([{ schemes: ["https", "http"] }]);
  });

  test("mirrors come first, with their own scheme and path", () => {
    const mirrors = { "docker.io": ["https://mirror.corp/hub/", "http://m2:81", "127.0.0.1:5"] };
    expect(plan(hub, { mirrors })).toMatchObject([
      { host: "mirror.corp", prefix: "hub/", schemes: ["https"], mirror: true },
      { host: "m2:81", prefix: "", schemes: ["http"], mirror: true },
      { host: "127.0.0.1:5", prefix: "", schemes: ["https", "http"], mirror: true },
      { host: "registry-1.docker.io", mirror: false },
    ]);
  });

  test.each([
    ["localhost", true],
    ["localhost:5000", true],
    ["127.0.0.1:5000", true],
    ["127.1.2.3", true],
    ["[::1]:5000", true],
    ["LOCALHOST", true],
    ["127.0.0.1.evil.com", false],
    ["localhost.evil.com", false],
    ["1127.0.0.1", false],
    ["10.0.0.1:5000", false],
  ])("%s is loopback: %p", (host, loopback) => expect(isLoopbackHost(host)).toBe(loopback));
});

describe("credentials in config.json", () => {
  const auth = (text: string) => ({ auth: Buffer.from(text).toString("base64") });
  const find = (auths: Record<string, unknown>, registry = localhost) => credentialFromAuths(auths, registry);

  test("user and password, also with a colon in it", () => {
    expect(find({ "localhost:5000": auth("ann:p:w") })).toEqual({
      kind: "password",
      username: "ann",
      password: "p:w",
    });
  });

  test("keys may be URLs, and the hub has its old one", () => {
    expect(find({ "https://localhost:5000/v2/": auth("a:b") })).toMatchObject({ username: "a" });
    expect(find({ "https://index.docker.io/v1/": auth("a:b") }, hub)).toMatchObject({ username: "a" });
    expect(find({ "docker.io": auth("a:b") }, hub)).toMatchObject({ username: "a" });
    expect(find({ "localhost:5001": auth("a:b"), "evil.com/localhost:5000": auth("a:b") })).toBeUndefined();
  });

  test("tokens", () => {
    expect(find({ "localhost:5000": { ...auth("<token>:x"), identitytoken: "T" } })).toEqual({
      kind: "identity",
      token: "T",
    });
    expect(find({ "localhost:5000": { registrytoken: "R" } })).toEqual({ kind: "registry", token: "R" });
  });

  test("an empty entry is none, a broken one an error", () => {
    expect(find({ "localhost:5000": {} })).toBeUndefined();
    expect(find({})).toBeUndefined();
    expect(() => find({ "localhost:5000": { auth: "bm9jb2xvbg==" } })).toThrow("holds no user:password");
    expect(() => find({ "localhost:5000": 5 })).toThrow("must be an object");
  });
});

describe("errors of the distribution API", () => {
  test("are rendered as Go's client does", () => {
    const body = '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{}}]}';
    expect(parseProblems(body).map(renderProblem)).toEqual(["manifest unknown: manifest unknown"]);
  });

  test.each(["", "<html>", "[]", "{}", '{"errors":5}', '{"errors":[null,5,{"code":7}]}', '{"errors":"x"}'])(
    "%p holds none",
    (body) => expect(parseProblems(body)).toEqual([]),
  );

  test("cannot write to the terminal", () => {
    expect(renderProblem({ code: "X", message: "a\x1b[2Jb\nc" })).toBe("x: a [2Jb c");
    expect(renderProblem({ code: "X", message: "y".repeat(10_000) })).toHaveLength(300);
  });
});

describe("retries", () => {
  test("which statuses", () => {
    const temporary = [200, 206, 301, 400, 401, 404, 408, 429, 500, 501, 502, 503, 504].filter(
      isTemporaryStatus,
    );
    expect(temporary).toEqual([408, 429, 500, 502, 503, 504]);
  });

  test("Retry-After as seconds or date", () => {
    const now = Date.parse("Wed, 21 Oct 2015 07:28:00 GMT");
    expect(retryAfterMs("3", now)).toBe(3000);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:28:10 GMT", now)).toBe(10_000);
    expect(retryAfterMs("Wed, 21 Oct 2015 07:27:00 GMT", now)).toBe(0);
    expect(retryAfterMs("soon", now)).toBeUndefined();
    expect(retryAfterMs(null, now)).toBeUndefined();
  });

  test("the pause doubles, with jitter, up to its limit", () => {
    expect([1, 2, 3, 4].map((attempt) => backoffMs(attempt, 100, 500, 0))).toEqual([100, 200, 400, 500]);
    expect(backoffMs(1, 100, 500, 1)).toBe(125);
  });
});

describe("redirects", () => {
  const from = new URL("https://registry.example/v2/x/blobs/y");
  const follow = (location: string, start = from) => redirectTarget(start, location, start.host).href;
  test("are resolved against where they came from, without user names", () => {
    expect(follow("/other?a=b")).toBe("https://registry.example/other?a=b");
    expect(follow("https://ann:pw@cdn.example/z")).toBe("https://cdn.example/z");
    expect(follow("https://s/", new URL("http://localhost:1/"))).toBe("https://s/");
  });
  test.each([
    ["http://registry.example/", "from https to plain http"],
    ["file:///etc/passwd", "to a file: URL"],
    ["https://", "to something that is no URL"],
  ])("%s is refused", (location, reason) => expect(() => follow(location)).toThrow(reason));
});

test("a failed connection is said in words, with a way to go on", () => {
  const refused = Object.assign(new TypeError("x"), { code: "ECONNREFUSED" });
  expect(withOfflineHint(transportErrorOf("localhost:5000", refused))).toMatchObject({
    message: 'cannot reach registry "localhost:5000": connection refused',
    kind: "unreachable",
    temporary: false,
    hint: expect.stringContaining("bocker run busybox"),
  });
  const reset = Object.assign(new TypeError("x"), { code: "ECONNRESET" });
  expect(transportErrorOf("h", reset)).toMatchObject({ temporary: true });
  const selfSigned = Object.assign(new Error("self signed certificate"), {
    code: "DEPTH_ZERO_SELF_SIGNED_CERT",
  });
  expect(transportErrorOf("h:1", selfSigned)).toMatchObject({
    untrusted: true,
    hint: expect.stringContaining("/etc/docker/certs.d/h:1/ca.crt"),
  });
});
