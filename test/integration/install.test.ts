/**
 * install.sh's download road against a server on loopback: what arrives is installed whole or not at all.
 *
 * The released "binary" is a small shell script, so that the tests are about the installer and run in
 * milliseconds each. Building from a checkout is what .ci/run and the README's first command do.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot } from "../lib/source-tree.ts";

const script = join(repositoryRoot, "install.sh");
const architecture = process.arch === "arm64" ? "arm64" : "x64";
const asset = `bocker-linux-${architecture}.gz`;
const release = (version: string): string => `#!/bin/sh\necho "bocker version ${version}"\n`;

let scratch = "";
let server: ReturnType<typeof Bun.serve>;
/** Path → answer; a function may answer slowly or break off. */
const files = new Map<string, Uint8Array | string | (() => Response)>();

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "bocker-install-"));
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) => {
      const answer = files.get(new URL(url).pathname);
      if (answer === undefined) return new Response("no such file", { status: 404 });
      return typeof answer === "function" ? answer() : new Response(answer);
    },
  });
});

afterAll(async () => {
  await server.stop(true);
  rmSync(scratch, { recursive: true, force: true });
});

/** Publishes a release whose program prints its version; returns the compressed asset. */
function publish(version: string, content: string = release(version)): Uint8Array {
  const compressed = Bun.gzipSync(content);
  const sum = new Bun.CryptoHasher("sha256").update(compressed).digest("hex");
  files.set("/latest", `${version}\n`);
  files.set(`/v${version}/${asset}`, compressed);
  files.set(`/v${version}/SHA256SUMS`, `${"0".repeat(64)}  bocker-other.gz\n${sum}  ${asset}\n`);
  return compressed;
}

interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the installer as `curl … | sh` does: from standard input. */
async function pipedInstall(
  prefix: string,
  words: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const child = Bun.spawn(["sh", "-s", "--", "--prefix", prefix, ...words], {
    stdin: Bun.file(script),
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env.PATH ?? "", BOCKER_URL: `http://127.0.0.1:${server.port}`, ...env },
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { exitCode: await child.exited, stdout, stderr };
}

function freshPrefix(): string {
  files.clear();
  return mkdtempSync(join(scratch, "prefix-"));
}

/** Everything under PREFIX/bin, hidden names too: an installer that failed leaves nothing new here. */
function installed(prefix: string): string[] {
  return existsSync(join(prefix, "bin")) ? readdirSync(join(prefix, "bin")).sort() : [];
}

describe("a release", () => {
  test("the latest is installed, executable, and nothing is beside it", async () => {
    const prefix = freshPrefix();
    publish("1.2.3");
    const { exitCode, stdout, stderr } = await pipedInstall(prefix);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(`installed ${prefix}/bin/bocker (bocker version 1.2.3)`);
    expect(installed(prefix)).toEqual(["bocker"]);
    expect(readFileSync(join(prefix, "bin/bocker"), "utf8")).toBe(release("1.2.3"));
    expect(statSync(join(prefix, "bin/bocker")).mode & 0o777).toBe(0o755);
  });

  for (const spelling of ["1.0.0", "v1.0.0"]) {
    test(`--version ${spelling} is installed although a later one is the latest`, async () => {
      const prefix = freshPrefix();
      publish("1.0.0");
      publish("2.0.0");
      const { stdout } = await pipedInstall(prefix, ["--version", spelling]);
      expect(stdout).toContain("bocker version 1.0.0");
    });
  }

  test("--url wins over BOCKER_URL, with or without a slash at its end", async () => {
    const prefix = freshPrefix();
    publish("1.2.3");
    const words = [`--url=http://127.0.0.1:${server.port}/`];
    const { exitCode } = await pipedInstall(prefix, words, { BOCKER_URL: "http://127.0.0.1:1" });
    expect(exitCode).toBe(0);
  });

  test("replaces an older one", async () => {
    const prefix = freshPrefix();
    publish("1.0.0");
    await pipedInstall(prefix);
    publish("1.0.1");
    const { stdout } = await pipedInstall(prefix);
    expect(stdout).toContain("bocker version 1.0.1");
    expect(installed(prefix)).toEqual(["bocker"]);
  });

  test("is fetched with wget where there is no curl", async () => {
    const prefix = freshPrefix();
    publish("1.2.3");
    const tools = join(scratch, "no-curl");
    mkdirSync(tools, { recursive: true });
    const needed =
      "sh wget uname id mkdir mktemp rm mv chmod awk head tail tr cut sha256sum gzip cat dirname grep";
    for (const tool of needed.split(" ")) {
      writeFileSync(join(tools, tool), `#!/bin/sh\nexec ${Bun.which(tool)} "$@"\n`, { mode: 0o755 });
    }
    const { exitCode, stderr } = await pipedInstall(prefix, [], { PATH: tools });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});

describe("what goes wrong leaves the old program and nothing else", () => {
  interface Case {
    readonly name: string;
    readonly spoil: (compressed: Uint8Array) => void;
    readonly says: RegExp;
    readonly words?: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      name: "a corrupt asset",
      spoil: (compressed) =>
        files.set(
          `/v2.0.0/${asset}`,
          compressed.map((byte, at) => (at === 20 ? byte ^ 1 : byte)),
        ),
      says: /checksum of "bocker-linux-\w+\.gz" does not match: want [0-9a-f]{64}, got [0-9a-f]{64}/,
    },
    {
      name: "a truncated asset",
      spoil: (compressed) => files.set(`/v2.0.0/${asset}`, compressed.slice(0, -8)),
      says: /checksum of .* does not match/,
    },
    {
      name: "a connection that breaks off",
      spoil: () => files.set(`/v2.0.0/${asset}`, brokenOff),
      says: /cannot download|does not match/,
    },
    {
      name: "no checksum for this machine",
      spoil: () => files.set("/v2.0.0/SHA256SUMS", `${"0".repeat(64)}  bocker-linux-vax.gz\n`),
      says: /SHA256SUMS has no line for "bocker-linux-\w+\.gz"/,
    },
    {
      name: "no checksums",
      spoil: () => files.delete("/v2.0.0/SHA256SUMS"),
      says: /cannot download ".*SHA256SUMS"/,
    },
    {
      name: "no asset",
      spoil: () => files.delete(`/v2.0.0/${asset}`),
      says: /cannot download ".*\.gz": .*404/,
    },
    { name: "no latest", spoil: () => files.delete("/latest"), says: /cannot download ".*\/latest"/ },
    {
      name: "a latest that is no version",
      spoil: () => files.set("/latest", "../evil\n"),
      says: /is not a version/,
    },
    {
      name: "a version that is not there",
      spoil: () => undefined,
      says: /hint: is there a version 9\.9\.9\?/,
      words: ["--version", "9.9.9"],
    },
    {
      name: "a program that does not start here",
      spoil: () => publish("2.0.0", "#!/bin/sh\necho no such loader >&2\nexit 1\n"),
      says: /does not start on this machine: no such loader/,
    },
  ];
  for (const { name, spoil, says, words } of cases) {
    test(name, async () => {
      const prefix = freshPrefix();
      publish("1.0.0");
      await pipedInstall(prefix);
      spoil(publish("2.0.0"));
      const { exitCode, stderr } = await pipedInstall(prefix, words);
      expect(stderr).toMatch(says);
      expect(exitCode).toBe(1);
      expect(installed(prefix)).toEqual(["bocker"]);
      expect(readFileSync(join(prefix, "bin/bocker"), "utf8")).toBe(release("1.0.0"));
    });
  }

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    test(`${signal} in the middle of the download`, async () => {
      const prefix = freshPrefix();
      publish("2.0.0");
      const asked = Promise.withResolvers<void>();
      files.set(`/v2.0.0/${asset}`, () => {
        asked.resolve();
        return new Response(new ReadableStream({ pull: (controller) => endless(controller) }));
      });
      const child = Bun.spawn(["sh", "-s", "--", "--prefix", prefix], {
        stdin: Bun.file(script),
        stdout: "ignore",
        stderr: "pipe",
        env: { PATH: process.env.PATH ?? "", BOCKER_URL: `http://127.0.0.1:${server.port}` },
      });
      await asked.promise;
      child.kill(signal);
      expect(await child.exited).toBe(128 + { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal]);
      expect(await child.stderr.text()).toContain("interrupted, nothing was installed");
      expect(installed(prefix)).toEqual([]);
    });
  }

  test("a script that was cut short does nothing", async () => {
    const prefix = freshPrefix();
    publish("1.0.0");
    const text = readFileSync(script, "utf8");
    for (const part of [0.3, 0.6, 0.9, 0.999]) {
      const child = Bun.spawn(["sh", "-s", "--", "--prefix", prefix], {
        stdin: new Blob([text.slice(0, Math.floor(text.length * part))]),
        stdout: "ignore",
        stderr: "ignore",
        env: { PATH: process.env.PATH ?? "", BOCKER_URL: `http://127.0.0.1:${server.port}` },
      });
      await child.exited;
      expect(installed(prefix)).toEqual([]);
    }
  });
});

describe("usage", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--frobnicate"], /unknown option "--frobnicate"/],
    [["--version"], /--version needs a value/],
    [["--url="], /--url needs a value/],
  ];
  for (const [words, says] of cases) {
    test(words.join(" "), async () => {
      const { exitCode, stderr } = await pipedInstall(freshPrefix(), words);
      expect(stderr).toMatch(says);
      expect(exitCode).toBe(1);
    });
  }

  test("without a server it says how to name one", async () => {
    const { exitCode, stderr } = await pipedInstall(freshPrefix(), [], { BOCKER_URL: "" });
    expect(stderr).toContain("hint: pass --url URL, set BOCKER_URL, or run ./install.sh in a checkout");
    expect(exitCode).toBe(1);
  });

  test("a prefix that cannot be written to", async () => {
    const prefix = freshPrefix();
    publish("1.0.0");
    writeFileSync(join(prefix, "bin"), "a file, not a directory");
    const { exitCode, stderr } = await pipedInstall(prefix);
    expect(stderr).toContain(`cannot create "${prefix}/bin"`);
    expect(exitCode).toBe(1);
  });

  test("--help shows every option", async () => {
    const { stdout, exitCode } = await pipedInstall(freshPrefix(), ["--help"]);
    for (const option of ["--prefix", "--version", "--url", "--release"]) expect(stdout).toContain(option);
    expect(exitCode).toBe(0);
  });
});

/** Announces more than it sends. */
function brokenOff(): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new Uint8Array(100));
      setTimeout(() => controller.close(), 20);
    },
  });
  return new Response(body, { headers: { "content-length": "100000" } });
}

/** A trickle that would take for ever. */
async function endless(controller: ReadableStreamDefaultController): Promise<void> {
  controller.enqueue(new Uint8Array(10));
  await Bun.sleep(20);
}
