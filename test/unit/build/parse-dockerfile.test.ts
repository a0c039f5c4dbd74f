// biome-ignore-all lint/suspicious/noTemplateCurlyInString: they are what is tested
import { describe, expect, test } from "bun:test";
import { parseDockerfile } from "../../../src/build/dockerfile/parse-dockerfile.ts";
import type { Instruction } from "../../../src/build/dockerfile/syntax.ts";
import { BockerError } from "../../../src/errors.ts";

const parse = (text: string) => parseDockerfile(text, "Dockerfile");

/** The only instruction of a stage. */
function only(line: string): Instruction {
  const [instruction] = parse(`FROM scratch\n${line}\n`).stages[0]?.instructions ?? [];
  if (instruction === undefined) throw new Error(`nothing in ${line}`);
  return instruction;
}

function refusal(text: string): BockerError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof BockerError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe("lines", () => {
  test("continue after a backslash, over comments and empty lines, with a warning for the latter", () => {
    const { stages, warnings } = parse("FROM a\nRUN one \\\n  # said aside\n\n  && two\nUSER x");
    expect(stages[0]?.instructions.map(({ source, line, endLine }) => [source, line, endLine])).toEqual([
      ["RUN one   && two", 2, 5],
      ["USER x", 6, 6],
    ]);
    expect(warnings.map(({ rule, line }) => [rule, line])).toEqual([["NoEmptyContinuation", 2]]);
  });

  test("end at an escaped backslash", () => {
    expect(parse("FROM a\nRUN x \\\\\nUSER y").stages[0]?.instructions).toHaveLength(2);
  });

  test("may continue at a backtick", () => {
    const file = parse("# escape=`\nFROM a\nRUN dir c:\\ `\n /s\nCOPY a c:\\");
    expect(file.escapeToken).toBe("`");
    expect(file.stages[0]?.instructions[0]).toMatchObject({ command: { words: ["dir c:\\  /s"] } });
  });

  test("may end with carriage returns and begin with a byte order mark", () => {
    const { stages } = parse("\ufeffFROM a\r\nRUN b \\\r\n c\r\n");
    expect(stages[0]?.instructions[0]).toMatchObject({ command: { words: ["b  c"] } });
  });

  test("directives are read until the first line that is none", () => {
    const file = parse("# Syntax = docker/dockerfile:1\n# check=skip=all\n# other=1\n# escape=`\nFROM a");
    expect([file.syntax, file.check, file.escapeToken]).toEqual(["docker/dockerfile:1", "skip=all", "\\"]);
  });
});

describe("stages", () => {
  test("have names, bases, platforms; ARGs may stand before them", () => {
    const file = parse(
      "ARG V=1 W\nFROM --platform=linux/arm64 a:${V} AS Build\nFROM build\nfrom scratch as x\n",
    );
    expect(file.globalArgs[0]?.definitions).toEqual([
      { name: "V", value: "1" },
      { name: "W", value: undefined },
    ]);
    expect(file.stages.map(({ index, name, base, platform }) => ({ index, name, base, platform }))).toEqual([
      { index: 0, name: "build", base: "a:${V}", platform: "linux/arm64" },
      { index: 1, name: undefined, base: "build", platform: undefined },
      { index: 2, name: "x", base: "scratch", platform: undefined },
    ]);
  });
});

describe("commands", () => {
  test.each([
    ["RUN a | b", ["a | b"], true],
    ['RUN ["a", "b c"]', ["a", "b c"], false],
    ['RUN ["a", unquoted]', ['["a", unquoted]'], true],
    ["CMD", [], true],
    ["CMD []", [], false],
    ["ENTRYPOINT x --flag", ["x --flag"], true],
  ] as const)("%s", (line, words, isShell) => {
    expect(only(line)).toMatchObject({ command: { words, isShell } });
  });

  test("RUN takes flags in front, and leaves those of its command", () => {
    const run = only(
      'RUN --mount="type=tmpfs,target=/x" --mount=type=cache,target=/y --network=none --security=insecure ls --all',
    );
    expect(run).toMatchObject({
      mounts: ["type=tmpfs,target=/x", "type=cache,target=/y"],
      network: "none",
      security: "insecure",
      command: { words: ["ls --all"] },
    });
    expect(only("RUN -- --odd")).toMatchObject({ command: { words: ["--odd"] } });
  });

  test("documents follow RUN, several, with tabs cut where asked, and keep their carriage returns", () => {
    const run = only("RUN <<A cat 3<<-'B' > x\none\nA\n\ttwo\r\n\tB");
    expect(run.kind === "run" ? run.command.heredocs : []).toEqual([
      { name: "A", descriptor: 0, expand: true, chomp: false, content: "one\n" },
      { name: "B", descriptor: 3, expand: false, chomp: true, content: "\ttwo\r\n" },
    ]);
  });

  test("a quoted word and a here-string are no documents", () => {
    for (const line of ['RUN echo "<<A"', "RUN cat <<<x"]) {
      expect(only(line)).toMatchObject({ command: { heredocs: [] } });
    }
  });
});

describe("COPY and ADD", () => {
  test("sources, destination and flags", () => {
    expect(
      only("COPY --from=build --chown=1:2 --chmod=755 --link --parents --exclude=*.o --exclude=x a b /c/"),
    ).toMatchObject({
      sources: ["a", "b"],
      destination: "/c/",
      from: "build",
      chown: "1:2",
      chmod: "755",
      link: true,
      parents: true,
      exclude: ["*.o", "x"],
    });
    expect(only('ADD --checksum=sha256:1 --keep-git-dir=true --unpack=false ["a b", "c d"]')).toMatchObject({
      sources: ["a b"],
      destination: "c d",
      checksum: "sha256:1",
      keepGitDirectory: true,
      unpack: false,
    });
  });

  test("documents as sources", () => {
    expect(only('COPY x <<-a <<"b" /d/\n\tone $y\n\ta\ntwo\nb')).toMatchObject({
      sources: ["x"],
      documents: [
        { name: "a", expand: true, content: "one $y\n" },
        { name: "b", expand: false, content: "two\n" },
      ],
    });
  });
});

describe("the others", () => {
  test("ENV and LABEL, both forms; words keep their quotes", () => {
    expect(only("ENV a=1 b=\"x y\" c='z' d=e\\ f")).toMatchObject({
      variables: [
        { name: "a", value: "1" },
        { name: "b", value: '"x y"' },
        { name: "c", value: "'z'" },
        { name: "d", value: "e\\ f" },
      ],
    });
    expect(only("LABEL a  b  c")).toMatchObject({ labels: [{ name: "a", value: "b  c", isLegacy: true }] });
  });

  test.each([
    ["EXPOSE 80/tcp 443 53/udp", { words: ["443", "53/udp", "80/tcp"] }],
    ["VOLUME /a /b", { words: ["/a", "/b"] }],
    ['VOLUME ["/a b"]', { words: ["/a b"] }],
    ['SHELL ["bash", "-c"]', { words: ["bash", "-c"] }],
    ["WORKDIR /a b", { word: "/a b" }],
    ["USER u:g", { word: "u:g" }],
    ["STOPSIGNAL 9", { word: "9" }],
    ["MAINTAINER A <b>", { word: "A <b>" }],
    ["HEALTHCHECK NONE", { healthcheck: { Test: ["NONE"] } }],
    [
      'HEALTHCHECK --interval=1m --timeout=3s --retries=2 --start-period=0s cmd ["x"]',
      { healthcheck: { Test: ["CMD", "x"], Interval: 60e9, Timeout: 3e9, Retries: 2 } },
    ],
    ["HEALTHCHECK CMD x || y", { healthcheck: { Test: ["CMD-SHELL", "x || y"] } }],
    ["ONBUILD COPY <<A /x\nhi\nA", { trigger: "COPY <<A /x\nhi\nA" }],
  ])("%s", (line, wanted) => {
    expect(only(line)).toMatchObject(wanted);
  });
});

describe("refusals say line, column and docker's phrase", () => {
  test.each([
    ["", 1, 1, "the Dockerfile cannot be empty"],
    ["# only\n\n", 3, 1, "file with no instructions"],
    ["ARG x", 1, 1, "dockerfile contains no stages to build"],
    ["RUN x", 1, 1, "no build stage in current context"],
    ["FROM", 1, 1, "FROM requires either one or three arguments"],
    ["FROM a AS", 1, 8, "FROM requires either one or three arguments"],
    [
      "FROM a AS 1a",
      1,
      11,
      'invalid name for build stage: "1a", name can\'t start with a number or contain symbols',
    ],
    ["FROM a\nRNU x", 2, 1, "unknown instruction: RNU (did you mean RUN?)"],
    ["FROM a\nCOPY --form=b c d", 2, 6, "unknown flag: --form (did you mean from?)"],
    ["FROM a\nCOPY --link=1 c d", 2, 6, "expecting boolean value for flag --link, not: 1"],
    ["FROM a\nCOPY --chown c d", 2, 6, "missing a value on flag: --chown"],
    ["FROM a\nCOPY --from=a --from=b c d", 2, 6, "duplicate flag specified: --from"],
    [
      "FROM a\nADD c",
      2,
      1,
      "ADD requires at least two arguments, but only one was provided. Destination could not be determined",
    ],
    ["FROM a\nCOPY a <<E\nx\nE", 2, 8, "COPY cannot accept a heredoc as a destination"],
    ["FROM a\nRUN <<E\nx", 2, 7, "unterminated heredoc"],
    [
      "FROM a\nRUN \\\n --mount=type=casche,target=/x y",
      3,
      15,
      'unsupported mount type "casche" (did you mean cache?)',
    ],
    ["FROM a\nRUN --mount=type=bind,sharing=locked y", 2, 31, "invalid cache sharing set for bind mount"],
    [
      "FROM a\nRUN --mount=from=$x,target=/y z",
      2,
      18,
      "'from' doesn't support variable expansion, define alias stage instead",
    ],
    ["FROM a\nRUN --mount=type=secret,id=x,size=1 z", 2, 30, "unexpected key 'size' for mount type 'secret'"],
    [
      "FROM a\nRUN --mount=type=cache,tagret=/x z",
      2,
      24,
      "unexpected key 'tagret' in 'tagret=/x' (did you mean target?)",
    ],
    ["FROM a\nRUN --mount=type=secret z", 2, 5, "invalid secret mount. one of source, target required"],
    ["FROM a\nRUN --network=wifi x", 2, 5, 'invalid network mode "wifi"'],
    ["FROM a\nRUN", 2, 1, "RUN requires at least one argument"],
    ["FROM a\nENV a", 2, 5, "ENV must have two arguments"],
    ["FROM a\nENV a=1 b", 2, 9, 'Syntax error - can\'t find = in "b". Must be of the form: name=value'],
    ["FROM a\nENV =b", 2, 5, "ENV names can not be blank"],
    ["FROM a\nLABEL", 2, 1, "LABEL requires at least one argument"],
    ["FROM a\nWORKDIR", 2, 1, "WORKDIR requires exactly one argument"],
    ["FROM a\nSHELL sh -c", 2, 7, "SHELL requires the arguments to be in JSON form"],
    ["FROM a\nCMD [1]", 2, 5, "when using JSON array syntax, arrays must be comprised of strings only"],
    ['FROM a\nVOLUME [""]', 2, 1, "VOLUME specified can not be an empty string"],
    ["FROM a\nONBUILD FROM b", 2, 9, "FROM isn't allowed as an ONBUILD trigger"],
    ["FROM a\nONBUILD ONBUILD RUN b", 2, 9, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
    ["FROM a\nONBUILD RUNN b", 2, 9, "unknown instruction: RUNN (did you mean RUN?)"],
    ["FROM a\nHEALTHCHECK NONE x", 2, 18, "HEALTHCHECK NONE takes no arguments"],
    ["FROM a\nHEALTHCHECK --interval=1 CMD x", 2, 13, 'time: invalid duration "1"'],
    ["FROM a\nHEALTHCHECK --retries=-1 CMD x", 2, 13, "--retries cannot be negative (-1)"],
    ["FROM a\nHEALTHCHECK CMD", 2, 1, "Missing command after HEALTHCHECK CMD"],
    ["FROM a\nUSER --x y", 2, 6, "unknown flag: --x"],
    ["# escape=/\nFROM a", 1, 10, "invalid escape token '/' does not match ` or \\"],
    ["# escape=`\n# escape=`\nFROM a", 2, 1, "only one escape parser directive can be used"],
  ])("%j", (text, line, column, reason) => {
    const { message, details } = refusal(text);
    expect(message.split("\n")[0]).toBe(
      `dockerfile parse error on line ${line === 3 && text.includes("casche") ? 2 : text.startsWith("# only") ? 1 : line}: ${reason}`,
    );
    if (!text.startsWith("# only")) expect(details).toMatchObject({ line, column });
  });

  test("with the line, a caret, and no terminal codes of the file's", () => {
    const { message, hint } = refusal("FROM a\n\tRNU \u001b[31mx");
    expect(message.split("\n").slice(1)).toEqual([
      "Dockerfile:2:2",
      "   2 | \tRNU \ufffd[31mx",
      "     | \t^",
    ]);
    expect(hint).toBeUndefined();
  });
});

test("whatever the text, parsing ends with a Dockerfile or an error that users can read", () => {
  const pieces = [
    "FROM a",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "--mount=",
    "type=cache,",
    "--from=",
    "<<E",
    "<<-'E'",
    "E",
    "\n",
    "\n",
    "\n",
    "\\",
    "\\\n",
    "`",
    '"',
    "'",
    "[",
    "]",
    ",",
    "=",
    "$",
    "${",
    "}",
    ":-",
    "#",
    "# escape=`",
    " ",
    "\t",
    "\r\n",
    "\u0000",
    "é",
    "😀",
    "x",
    "--",
    "a b",
  ];
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  let accepted = 0;
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 1 + random(25) }, () => pieces[random(pieces.length)]).join("");
    try {
      const { stages, warnings } = parse(round % 2 === 0 ? `FROM a\n${text}` : text);
      accepted += stages.length;
      for (const { line, endLine } of [...stages.flatMap((stage) => stage.instructions), ...warnings]) {
        expect(line <= endLine && line >= 1).toBe(true);
      }
    } catch (error) {
      if (!(error instanceof BockerError)) throw error;
      expect(error.message).toStartWith("dockerfile parse error on line ");
    }
  }
  expect(accepted).toBeGreaterThan(100);
});

describe("warnings", () => {
  test.each([
    ["FROM a as b", "FromAsCasing"],
    ["FROM a AS B", "StageNameCasing"],
    ["FROM a AS scratch", "ReservedStageName"],
    ["FROM a AS b\nFROM a AS b", "DuplicateStageName"],
    ["FROM a\nUSER x\nrun y", "ConsistentInstructionCasing"],
    ["FROM a\nMAINTAINER x", "MaintainerDeprecated"],
    ["FROM a\nENV a b", "LegacyKeyValueFormat"],
    ["FROM a\nARG DB_PASSWORD", "SecretsUsedInArgOrEnv"],
    ["FROM a\nCMD a\nCMD b", "MultipleInstructionsDisallowed"],
  ])("%j", (text, rule) => {
    expect(parse(text).warnings.map((warning) => warning.rule)).toEqual([rule]);
  });

  test("a public key is no secret", () => {
    expect(parse("FROM a\nENV PUBLIC_KEY=x KEYBOARD=y").warnings).toEqual([]);
  });
});
