import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveBuildRequest } from "../../../src/cli/build/build-request.ts";
import { planOutputs } from "../../../src/cli/build/output-option.ts";
import { readRetries, withRetries } from "../../../src/cli/build/retry-option.ts";
import { readAgents, readSecrets } from "../../../src/cli/build/secret-option.ts";
import { command } from "../../../src/cli/command/build.ts";
import type { Output } from "../../../src/cli/command-spec.ts";
import { parseArgv } from "../../../src/cli/parse-argv.ts";
import { defaultRegistrySettings } from "../../../src/registry/registry-settings.ts";

const directory = mkdtempSync("/tmp/bocker-build-option-");
afterAll(() => rmSync(directory, { recursive: true }));

const pipe: Output = { write: () => undefined, isTerminal: false, columns: 80 };
const terminal: Output = { ...pipe, isTerminal: true };

function resolve(words: readonly string[], env: Record<string, string> = {}) {
  const context = { global: { debug: false }, env, out: pipe, err: pipe };
  return resolveBuildRequest(context, parseArgv(words, command));
}

describe("what a build is asked for", () => {
  test("nothing but a directory", () => {
    expect(resolve(["."])).toMatchObject({
      context: ".",
      file: undefined,
      target: undefined,
      pull: false,
      cache: "use",
      epochSeconds: undefined,
      tags: [],
      outputs: [{ kind: "image", push: false }],
      run: { network: "default", addHosts: [], ulimits: [], shmSizeBytes: undefined },
    });
  });

  test("-f alone: the folder of the Dockerfile", () => {
    expect(resolve(["-f", "some/where/dockerfile"]).context).toBe("some/where");
    expect(resolve(["-f", "dockerfile", "-t", "xx:0.01"])).toMatchObject({
      context: ".",
      file: "dockerfile",
    });
    expect(resolve(["-f", "-"]).context).toBe(".");
    expect(() => resolve([])).toThrow("requires 1 argument");
  });

  test("tags are whole references; names of an image output count too", () => {
    const { tags } = resolve(
      ["-t", "a", "-t", "localhost:5000/b:1", "-o", '"type=image,name=c:2"', "."].map(unquote),
    );
    expect(tags.map(({ repository, tag }) => `${repository}:${tag}`)).toEqual([
      "library/a:latest",
      "b:1",
      "library/c:2",
    ]);
    expect(() => resolve(["-t", "UPPER", "."])).toThrow('invalid tag "UPPER": invalid reference format');
  });

  test("a build-arg without a value is the variable's, or not there", () => {
    const { buildArgs } = resolve(["--build-arg", "A=1=2", "--build-arg", "B", "--build-arg", "C", "."], {
      B: "b",
    });
    expect([...buildArgs]).toEqual([
      ["A", "1=2"],
      ["B", "b"],
    ]);
  });

  test.each([
    [["--timestamp", "7", "."], {}, 7],
    [["--source-date-epoch", "8", "."], {}, 8],
    [["--build-arg", "SOURCE_DATE_EPOCH=9", "."], { SOURCE_DATE_EPOCH: "10" }, 9],
    [["."], { SOURCE_DATE_EPOCH: "10" }, 10],
    [["--build-arg", "SOURCE_DATE_EPOCH=context", "."], { SOURCE_DATE_EPOCH: "10" }, undefined],
  ])("the time of %j", (words, env, seconds) => {
    expect(resolve(words, env as Record<string, string>).epochSeconds).toBe(seconds);
  });

  test("limits are those of run", () => {
    const { run } = resolve([
      "-m",
      "64m",
      "--cpu-shares",
      "5",
      "--ulimit",
      "nofile=10",
      "--shm-size",
      "1m",
      "--add-host",
      "x:1.2.3.4",
      ".",
    ]);
    expect(run).toMatchObject({
      resources: { memoryBytes: 64 << 20, cpuShares: 5 },
      ulimits: [{ name: "nofile", soft: 10, hard: 10 }],
      shmSizeBytes: 1 << 20,
      addHosts: ["x:1.2.3.4"],
    });
  });

  test("caches that are not looked at", () => {
    expect(resolve(["--no-cache", "."]).cache).toBe("ignore");
    expect(resolve(["--no-cache-filter", "A,b", "."]).cache).toEqual({ ignoredStages: new Set(["a", "b"]) });
  });

  test("caches of other machines", () => {
    const { cacheFrom, cacheTo } = resolve([
      ...["--cache-from", "localhost:5000/c", "--cache-from", "type=local,src=in"],
      ...["--cache-to", "type=local,dest=out,mode=max", "--cache-to", "type=registry,ref=x:1", "."],
    ]);
    expect(cacheFrom).toMatchObject([
      { kind: "registry", reference: { registry: "localhost:5000", repository: "c", tag: "latest" } },
      { kind: "local", directory: "in" },
    ]);
    expect(cacheTo).toMatchObject([
      { place: { kind: "local", directory: "out" }, isWhole: true },
      { place: { kind: "registry", reference: { tag: "1" } }, isWhole: false },
    ]);
  });

  test("annotations of the manifest", () => {
    expect(resolve(["--annotation", "a=1", "--annotation", "manifest:b=2", "."]).annotations).toEqual({
      a: "1",
      b: "2",
    });
  });

  test.each([
    [["--cache-from", "type=gha", "."], 'a build cache of type "gha" is not supported'],
    [["--cache-to", "type=inline", "."], 'a build cache of type "inline" is not supported'],
    [["--cache-to", "type=local,dest=x,mode=all", "."], 'invalid cache mode "all"'],
    [["--cache-to", "type=local", "."], "dest is required"],
    [["--cache-from", "type=registry", "."], "ref is required"],
    [["--cache-from", "type=local,dest=x", "."], '--cache-from does not take "dest"'],
    [["--cache-to", "type=registry,ref=x,image-manifest=false", "."], "can only be true"],
    [["--verify", "--cache-from", "x", "."], "--verify builds without any cache"],
    [["--creds", "a:b", "."], "--creds is not supported"],
    [["--stdin", "."], "--stdin is not supported"],
    [["--http-proxy", "."], "--http-proxy=true is not supported"],
    [["-v", "named:/v", "."], 'no directory of the host, "/v", is not supported'],
    [["-v", "/no/such/place:/v", "."], "/no/such/place: no such file or directory"],
    [["--format", "x", "."], 'unrecognized image type "x"'],
    [["--format", "docker", "--annotation", "a=b", "."], "--annotation has no place in --format docker"],
    [["--jobs", "-1", "."], "invalid --jobs -1"],
    [["--cache-ttl", "x", "."], 'invalid --cache-ttl "x"'],
    [["--env", "=x", "."], "it has no name"],
    [
      ["--arch", "arm64", "--platform", "linux/arm64", "."],
      "may not be used with --os, --arch, or --variant",
    ],
    [["--provenance", "true", "."], "--provenance=true is not supported"],
    [["--platform", "linux/amd64,linux/arm64", "."], "several platforms"],
    [["--network", "mine", "."], 'network mode "mine"'],
    [["--allow", "all", "."], "invalid entitlement: all"],
    [["--annotation", "index:a=b", "."], 'annotations of "index"'],
    [["--annotation", "a", "."], "expected key=value"],
    [["--build-context", "x", "."], "expected key=value"],
    [["--build-context", "x=oci-layout://y", "."], "is not supported"],
    [["--isolation", "hyperv", "."], "--isolation is not supported"],
    [["--rm=false", "."], "--rm=false is not supported"],
    [["--build-arg", "=x", "."], "it has no name"],
  ])("%j is refused", (words, message) => {
    expect(() => resolve(words)).toThrow(message);
  });

  test.each([
    [["."], undefined],
    [["--squash", "."], "new"],
    [["--squash=false", "--layers", "."], undefined],
    [["--layers=false", "."], "new"],
    [["--squash", "--squash-all", "."], "all"],
  ] as const)("what %j squashes", (words, squash) => {
    expect(resolve(words).finish).toEqual({
      ...{ squash, unsetEnv: [], unsetLabels: [], omitsHistory: false, format: "oci" },
    });
  });

  test("podman's words for what the Dockerfile says", () => {
    const { overrides, jobs, skipsUnused, platform, ignoreFile } = resolve(
      ["--env", "A=1=2", "--env", "B", "--env", "C", "--from", "x", "--jobs", "3", "--arch", "arm64"].concat(
        ...["--variant", "v8", "--ignorefile", "i", "--skip-unused-stages=false", "."],
      ),
      { B: "b" },
    );
    expect(overrides).toEqual({
      base: "x",
      env: [
        ["A", "1=2"],
        ["B", "b"],
      ],
    });
    expect({ jobs, skipsUnused, ignoreFile }).toEqual({ jobs: 3, skipsUnused: false, ignoreFile: "i" });
    expect(platform).toMatchObject({ os: "linux", architecture: "arm64" });
  });

  test("retries are the registry's timing", () => {
    const { timing } = defaultRegistrySettings;
    const asked = readRetries(parseArgv(["--retry", "2", "--retry-delay", "1s", "."], command));
    expect(withRetries(defaultRegistrySettings, asked).timing).toEqual({
      ...timing,
      attempts: 3,
      backoffMs: 1000,
    });
    expect(withRetries(defaultRegistrySettings, readRetries(parseArgv(["."], command)))).toEqual(
      defaultRegistrySettings,
    );
  });

  test.each([
    [["--retry", "-1", "."], "invalid --retry -1"],
    [["--retry-delay", "x", "."], 'invalid --retry-delay "x"'],
  ])("%j is refused", (words, message) => {
    expect(() => readRetries(parseArgv(words, command))).toThrow(message);
  });

  test("what asks for nothing else than what is done is taken", () => {
    expect(
      resolve([
        "--rm",
        "--force-rm",
        "--compress",
        "--tls-verify",
        "--http-proxy=false",
        "--provenance=false",
        "--sbom=false",
        "--isolation=default",
        ".",
      ]).context,
    ).toBe(".");
  });
});

function unquote(word: string): string {
  return word.replace(/^"|"$/g, "");
}

describe("outputs", () => {
  test.each([
    [[], [{ kind: "image", push: false }]],
    [["out"], [{ kind: "local", directory: "out" }]],
    [["-"], [{ kind: "tar", place: { fd: 1 } }]],
    [["type=local,dest=a,"], undefined],
    [["type=tar"], [{ kind: "tar", place: { fd: 1 } }]],
    [[`type=tar,dest=${directory}/x.tar`], [{ kind: "tar", place: { file: `${directory}/x.tar` } }]],
    [["type=docker"], [{ kind: "image", push: false }]],
    [["type=registry"], [{ kind: "image", push: true }]],
    [["type=image,push=true"], [{ kind: "image", push: true }]],
    [
      ["type=oci,tar=false,dest=l"],
      [{ kind: "archive", format: "oci", place: { directory: "l" }, names: [] }],
    ],
    [["type=cacheonly"], [{ kind: "cacheonly" }]],
  ] as const)("%j", (words, outputs) => {
    if (outputs === undefined) expect(() => planOutputs(words, pipe, false)).toThrow("invalid value");
    else expect<unknown>(planOutputs(words, pipe, false).outputs).toEqual(outputs);
  });

  test("--push", () => {
    expect(planOutputs([], pipe, true).outputs).toEqual([{ kind: "image", push: true }]);
    expect(() => planOutputs(["out"], pipe, true)).toThrow("--push is for images");
  });

  test.each([
    [["type=weird"], 'exporter "weird" could not be found'],
    [["dest=x"], "type is required"],
    [["type=local"], "dest is required for local output"],
    [["type=local,dest=x,mode=1"], 'does not take "mode"'],
    [["type=image,push=perhaps"], "non-bool value specified for push"],
    [["type=tar,dest=/no/such/place/x.tar"], "does not exist"],
    [["type=tar,dest=/tmp"], "is a directory"],
    [["type=oci,tar=false"], "dest is required"],
    [["-", "type=tar"], "only one output"],
  ])("%j is refused", (words, message) => {
    expect(() => planOutputs(words, pipe, false)).toThrow(message);
  });

  test("nothing is written to a terminal", () => {
    expect(() => planOutputs(["-"], terminal, false)).toThrow("dest file is required");
  });
});

describe("secrets", () => {
  const file = join(directory, "value");
  writeFileSync(file, "from a file");

  test.each([
    [`id=a,src=${file}`, "from a file"],
    [`type=file,id=a,source=${file}`, "from a file"],
    ["id=a,env=VARIABLE", "from a variable"],
    ["type=env,id=VARIABLE", "from a variable"],
    ["id=VARIABLE", "from a variable"],
  ])("%s", (word, value) => {
    const secrets = readSecrets([word], { VARIABLE: "from a variable" });
    expect(Buffer.from([...secrets.values()][0] ?? []).toString()).toBe(value);
  });

  test.each([
    ["src=x", "id is missing"],
    ["id=a,src=/no/such/file", "no such file or directory"],
    ["id=a,env=UNSET", "the variable UNSET is not set"],
    ["id=a,mode=1", "unexpected key 'mode'"],
    ["id", "must be a key=value pair"],
    ["id=a,type=x", "unsupported secret type"],
    ["id=a,src=/tmp", "is a directory"],
  ])("%s is refused", (word, message) => {
    expect(() => readSecrets([word], {})).toThrow(message);
  });

  test("more than 500 KiB are no secret", () => {
    const large = join(directory, "large");
    writeFileSync(large, Buffer.alloc(501 * 1024));
    expect(() => readSecrets([`id=a,src=${large}`], {})).toThrow("invalid secret size");
  });
});

describe("ssh agents", () => {
  test.each([
    [["default"], {}, "make sure SSH_AUTH_SOCK is set"],
    [["=x"], {}, "id is missing"],
    [["default=/no/such/socket"], {}, "no such file"],
    [[`default=${join(directory, "value")}`], {}, "is no socket"],
  ])("%j is refused", (words, env, message) => {
    expect(() => readAgents(words, env)).toThrow(message);
  });
});
