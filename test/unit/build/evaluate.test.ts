// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested
import { describe, expect, test } from "bun:test";
import { type BuildScope, resolveScope } from "../../../src/build/build-scope.ts";
import { parseDockerfile } from "../../../src/build/dockerfile/parse-dockerfile.ts";
import { evaluate } from "../../../src/build/evaluate.ts";
import { planStages } from "../../../src/build/stage-graph.ts";
import { type Effect, type StageState, stateOfImage, stateOfStage } from "../../../src/build/stage-state.ts";
import type { ImageProcessConfig } from "../../../src/image/image-config.ts";

const amd64 = { os: "linux", architecture: "amd64" };

function scopeOf(text: string, buildArgs: Readonly<Record<string, string>> = {}): BuildScope {
  return resolveScope(parseDockerfile(text, "Dockerfile"), {
    buildArgs: new Map(Object.entries(buildArgs)),
    buildPlatform: amd64,
    targetPlatform: { os: "linux", architecture: "arm", variant: "v7" },
    target: undefined,
  });
}

interface Told {
  readonly state: StageState;
  readonly effects: readonly Effect[];
  readonly history: readonly (string | undefined)[];
}

/** All instructions of the last stage upon an image. */
function evaluateAll(
  lines: string,
  base: ImageProcessConfig = {},
  buildArgs: Readonly<Record<string, string>> = {},
): Told {
  const text = lines.includes("FROM ") ? lines : `FROM scratch\n${lines}`;
  const scope = scopeOf(text, buildArgs);
  let state = stateOfImage(base, [], undefined);
  const effects: Effect[] = [];
  for (const instruction of parseDockerfile(text, "Dockerfile").stages.at(-1)?.instructions ?? []) {
    const evaluated = evaluate(instruction, state, scope);
    state = evaluated.state;
    if (evaluated.effect !== undefined) effects.push(evaluated.effect);
  }
  return { state, effects, history: state.history.map(({ created_by }) => created_by) };
}

describe("config and history", () => {
  test.each<readonly [string, ImageProcessConfig, string | undefined]>([
    ["CMD a b", { Cmd: ["/bin/sh", "-c", "a b"] }, 'CMD ["/bin/sh" "-c" "a b"]'],
    ['CMD ["a", "b\\n"]', { Cmd: ["a", "b\n"] }, 'CMD ["a" "b\\n"]'],
    ['ENTRYPOINT ["x"]', { Entrypoint: ["x"] }, 'ENTRYPOINT ["x"]'],
    ['SHELL ["bash", "-c"]', { Shell: ["bash", "-c"] }, "SHELL [bash -c]"],
    [
      "EXPOSE 80 53/udp 8000-8001",
      { ExposedPorts: { "53/udp": {}, "80/tcp": {}, "8000/tcp": {}, "8001/tcp": {} } },
      "EXPOSE [53/udp 80/tcp 8000/tcp 8001/tcp]",
    ],
    ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }, "VOLUME [/a /b]"],
    ["LABEL a=1 b='x y'", { Labels: { a: "1", b: "x y" } }, "LABEL a=1 b=x y"],
    ["LABEL a b c", { Labels: { a: "b c" } }, "LABEL a b c"],
    ["USER u:g", { User: "u:g" }, "USER u:g"],
    ["STOPSIGNAL SIGRTMIN+3", { StopSignal: "SIGRTMIN+3" }, "STOPSIGNAL SIGRTMIN+3"],
    ["WORKDIR a/../b", { WorkingDir: "/b" }, "WORKDIR /b"],
    [
      "HEALTHCHECK --interval=90s CMD x",
      { Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 90e9 } },
      "HEALTHCHECK {Test:[CMD-SHELL x] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}",
    ],
    ["ONBUILD RUN x $y", { OnBuild: ["RUN x $y"] }, undefined],
  ])("%s", (line, config, createdBy) => {
    const { state, history } = evaluateAll(line);
    expect(state.config).toMatchObject(config);
    expect(history).toEqual(createdBy === undefined ? [] : [createdBy]);
  });

  test("ENV takes the place of a variable that was there, and PATH is always set", () => {
    const { state } = evaluateAll("ENV b=2 PATH=$PATH:/x\nENV a=${b}3", { Env: ["a=1", "b=1"] });
    expect(state.config.Env).toEqual([
      "a=23",
      "b=2",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/x",
    ]);
  });

  test("an ENV's values are those from before the line", () => {
    expect(
      evaluateAll("ENV abc=hello\nENV abc=bye def=$abc\nENV ghi=$abc").state.config.Env?.slice(1),
    ).toEqual(["abc=bye", "def=hello", "ghi=bye"]);
  });

  test("an ENTRYPOINT takes the base's CMD away, and leaves the stage's own", () => {
    const base = { Cmd: ["base"] };
    expect(evaluateAll('ENTRYPOINT ["x"]', base).state.config.Cmd).toBeUndefined();
    expect(evaluateAll('CMD ["own"]\nENTRYPOINT ["x"]', base).state.config.Cmd).toEqual(["own"]);
  });

  test("a shell that was set is the shell of what follows", () => {
    const { state, effects } = evaluateAll('SHELL ["bash", "-ec"]\nCMD a\nRUN b');
    expect(state.config.Cmd).toEqual(["bash", "-ec", "a"]);
    expect(effects[0]).toMatchObject({ args: ["bash", "-ec", "b"] });
  });

  test("triggers of a base are not its children's, those of a stage neither", () => {
    expect(stateOfImage({ OnBuild: ["RUN x"] }, [], undefined).config.OnBuild).toBeUndefined();
    expect(stateOfStage(evaluateAll("ONBUILD RUN x").state).config.OnBuild).toBeUndefined();
  });
});

describe("ARG", () => {
  const text = "ARG V=1\nARG W=${V}0\nFROM scratch\n";

  test("in a stage takes over what stands before FROM, or its default, or what is given", () => {
    const seen = (lines: string, args = {}) => evaluateAll(`${text}${lines}`, {}, args).state.environment;
    expect(seen("ARG V").get("V")).toBe("1");
    expect(seen("ENV x=$V").get("x")).toBe("");
    expect(seen("ARG W=own").get("W")).toBe("own");
    expect(seen("ARG W").get("W")).toBe("10");
    expect(seen("ARG W", { V: "2" }).get("W")).toBe("20");
    expect(seen("ARG W=own", { W: "given" }).get("W")).toBe("given");
    expect(seen("ARG TARGETPLATFORM").get("TARGETPLATFORM")).toBe("linux/arm/v7");
    expect(seen("ARG BUILDARCH").get("BUILDARCH")).toBe("amd64");
    expect(seen("ENV a=$TARGETARCH").get("a")).toBe("");
  });

  test("is in RUN's environment and history, not in the image's", () => {
    const { state, effects, history } = evaluateAll("ARG a=1 b\nRUN x");
    expect(effects[0]?.kind === "run" && effects[0].environment.get("a")).toBe("1");
    expect(history).toEqual(["ARG a=1 b", "RUN |2 a=1 b= /bin/sh -c x # buildkit"]);
    expect(state.config.Env).toHaveLength(1);
  });

  test("a proxy is there without an ARG, and told nowhere", () => {
    const { effects, history } = evaluateAll("RUN x", {}, { http_proxy: "p", other: "o" });
    expect(effects[0]?.kind === "run" && [...effects[0].proxies]).toEqual([["http_proxy", "p"]]);
    expect(history).toEqual(["RUN /bin/sh -c x # buildkit"]);
  });
});

describe("RUN", () => {
  test("a document is the shell's text, or a program where it says so", () => {
    expect(evaluateAll("RUN <<-E\n\ta\n\tb\nE").effects[0]).toMatchObject({
      args: ["/bin/sh", "-c", "a\nb\n"],
      script: undefined,
    });
    expect(evaluateAll("RUN <<E\n#!/bin/python\nx\nE").effects[0]).toMatchObject({
      args: ["/dev/pipes/E"],
      script: { name: "/dev/pipes/E", content: "#!/bin/python\nx\n" },
    });
    expect(evaluateAll("RUN cat <<E > /x && cat 3<<F\na\nE\nb\nF").effects[0]).toMatchObject({
      args: ["/bin/sh", "-c", "cat <<E > /x && cat 3<<F\na\nE\nb\nF"],
    });
  });

  test("podman's z and Z of mounts say nothing here", () => {
    const { effects } = evaluateAll("RUN --mount=type=bind,target=/x,z --mount=type=cache,target=/c,Z y");
    expect(effects[0]).toMatchObject({ mounts: [{ type: "bind" }, { type: "cache" }] });
    for (const wrong of ["type=tmpfs,target=/x,z", "type=bind,target=/x,z=1"])
      expect(() => evaluateAll(`RUN --mount=${wrong} y`)).toThrow("unexpected key 'z'");
  });

  test("mounts have values put in", () => {
    const { effects } = evaluateAll(
      "ARG d=/x\nWORKDIR /w\nUSER u\nRUN --mount=type=cache,target=$d/c,id=${d} y",
    );
    expect(effects[1]).toMatchObject({
      cwd: "/w",
      user: "u",
      mounts: [{ type: "cache", target: "/x/c", id: "/x", sharing: "shared", readOnly: false }],
    });
  });
});

describe("COPY and ADD", () => {
  test.each([
    ["COPY a b", "/b"],
    ["COPY a b/", "/b/"],
    ["COPY a .", "/"],
    ["WORKDIR /w\nCOPY a .", "/w/"],
    ["WORKDIR /w\nCOPY a ../x", "/x"],
    ["ENV d=/q\nCOPY a $d/", "/q/"],
  ])("%j goes to %s", (lines, destination) => {
    expect(evaluateAll(lines).effects.at(-1)).toMatchObject({ kind: "copy", destination });
  });

  test("are told with their flags", () => {
    const { history } = evaluateAll(
      "ENV u=7\nCOPY --from=x --link --chown=$u --chmod=644 a b /c\nADD <<E /d\nE",
      {},
    );
    expect(history.slice(1)).toEqual([
      "COPY --chown=7 --chmod=644 a b /c # buildkit",
      "ADD <<E /d # buildkit",
    ]);
  });

  test("documents have values, unless their name is quoted", () => {
    expect(evaluateAll("ENV x=1\nCOPY <<a <<'b' /d/\n$x \"q\"\na\n$x\nb").effects[0]).toMatchObject({
      documents: [
        { name: "a", content: '1 "q"\n' },
        { name: "b", content: "$x\n" },
      ],
    });
  });

  test.each([
    [
      "COPY --chmod=99 a b",
      "invalid chmod parameter: '99'. it should be octal string and between 0 and 07777",
    ],
    [
      "ADD --chmod=64a a b",
      "invalid chmod parameter: '64a'. it should be octal string and between 0 and 07777",
    ],
    ["COPY http://x/y b", "source can't be a URL for COPY"],
    ["ADD --checksum=sha256:1 a b", "checksum requires HTTP(S) or Git sources"],
    ["ADD --checksum=sha256:1 http://a http://b c/", "checksum can't be specified for multiple sources"],
    ["EXPOSE 80/xyz", 'invalid port: "80/xyz": invalid proto: xyz'],
    ["EXPOSE 90000", "invalid containerPort: 90000"],
    ["STOPSIGNAL NOPE", "invalid signal: NOPE"],
    ['ENV a="${b?must be}"', "b: must be"],
  ])("%s: %s", (line, reason) => {
    expect(() => evaluateAll(line)).toThrow(reason);
  });
});

describe("stages", () => {
  const plan = (text: string, target?: string, contexts: readonly string[] = []) =>
    planStages(parseDockerfile(text, "Dockerfile"), {
      scope: scopeOf(text),
      target,
      contexts: new Set(contexts),
    });

  test("only what the target needs, in the file's order", () => {
    const text =
      "FROM scratch AS a\nFROM scratch AS b\nCOPY --from=a x y\nFROM scratch AS c\nFROM b\nRUN --mount=from=img,target=/$x y\n";
    expect(plan(text).needed).toEqual([0, 1, 3]);
    expect(plan(text, "A").needed).toEqual([0]);
    expect(plan(text, "2").needed).toEqual([2]);
    expect([...(plan(text).nodes[3]?.sources ?? [])]).toEqual([["img", { kind: "image", name: "img" }]]);
  });

  test("a base is a stage before, a context, scratch or an image", () => {
    const text =
      "ARG B=img:1\nFROM ${B} AS img\nFROM img\nFROM --platform=$BUILDPLATFORM ctx\nFROM own AS named\nCOPY --from=0 a b\n";
    const { nodes } = plan(text, undefined, ["ctx", "named"]);
    expect(nodes.map(({ base, platform }) => [base, platform])).toEqual([
      [{ kind: "image", name: "img:1" }, undefined],
      [{ kind: "stage", index: 0 }, undefined],
      [{ kind: "context", name: "ctx" }, "linux/amd64"],
      [{ kind: "context", name: "named" }, undefined],
    ]);
  });

  test.each([
    ["FROM $nope", "base name ($nope) should not be blank"],
    ["FROM --platform=$x scratch", "empty platform value from expression $x"],
    [
      "FROM scratch AS a\nCOPY --from=b x y\nFROM scratch AS b",
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
    ],
    ["FROM scratch AS a\nCOPY --from=a x y", "circular dependency detected on stage: a"],
    ["FROM scratch\nCOPY --from=3 x y", "invalid stage index 3"],
    ["FROM scratch\nCOPY --from=$x x y", "variable expansion is not supported for --from"],
  ])("%j: %s", (text, reason) => {
    expect(() => plan(text)).toThrow(reason);
  });

  test("a target that is not there is named with its like", () => {
    expect(() => plan("FROM scratch AS build", "biuld")).toThrow(
      'target stage "biuld" could not be found (did you mean build?)',
    );
  });
});
