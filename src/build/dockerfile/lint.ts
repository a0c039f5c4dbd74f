/**
 * What works and should be written in another way: the rules of docker's build checks that need nothing but the text. Pure.
 * https://docs.docker.com/reference/build-checks/
 */
import type { Instruction, Location, Stage, Warning } from "./syntax.ts";

export function lintStages(stages: readonly Stage[]): readonly Warning[] {
  return [
    ...stages.flatMap(lintFrom),
    ...lintNames(stages),
    ...lintCasing(stages),
    ...stages.flatMap((stage) => stage.instructions.flatMap(lintInstruction)),
    ...stages.flatMap(lintRepeated),
  ];
}

function warning(rule: string, message: string, { line, endLine }: Location): Warning {
  return { rule, message, line, endLine };
}

function lintFrom(stage: Stage): readonly Warning[] {
  const [from = "", , as = "", written = ""] =
    /^(\S+)\s+(?:--\S+\s+)*\S+(\s+(\S+)\s+(\S+))?/.exec(stage.source)?.slice(1) ?? [];
  const found: Warning[] = [];
  const isLower = from === from.toLowerCase();
  const isUpper = from === from.toUpperCase();
  if (as !== "" && ((isLower && as !== as.toLowerCase()) || (isUpper && as !== as.toUpperCase()))) {
    found.push(warning("FromAsCasing", `'${as}' and '${from}' keywords' casing do not match`, stage));
  }
  if (written !== written.toLowerCase()) {
    found.push(warning("StageNameCasing", `Stage name '${written}' should be lowercase`, stage));
  }
  return found;
}

const reservedNames: ReadonlySet<string> = new Set(["context", "scratch"]);

function lintNames(stages: readonly Stage[]): readonly Warning[] {
  const seen = new Set<string>();
  const found: Warning[] = [];
  for (const stage of stages) {
    if (stage.name === undefined) continue;
    if (reservedNames.has(stage.name)) {
      found.push(
        warning(
          "ReservedStageName",
          `Stage name should not use the same name as reserved stage "${stage.name}"`,
          stage,
        ),
      );
    }
    if (seen.has(stage.name)) {
      found.push(
        warning(
          "DuplicateStageName",
          `Duplicate stage name "${stage.name}", stage names should be unique`,
          stage,
        ),
      );
    }
    seen.add(stage.name);
  }
  return found;
}

/** The casing that most keywords have is the casing of all. */
function lintCasing(stages: readonly Stage[]): readonly Warning[] {
  const all = stages
    .flatMap((stage) => [stage, ...stage.instructions])
    .map((each) => ({
      place: each,
      keyword: each.source.split(/\s/, 1)[0] ?? "",
    }));
  const lower = all.filter(({ keyword }) => keyword === keyword.toLowerCase()).length;
  const upper = all.filter(({ keyword }) => keyword === keyword.toUpperCase()).length;
  const wanted = lower > upper ? "lowercase" : "uppercase";
  const cased = (word: string) => (wanted === "lowercase" ? word.toLowerCase() : word.toUpperCase());
  return all
    .filter(({ keyword }) => keyword !== cased(keyword))
    .map(({ place, keyword }) =>
      warning(
        "ConsistentInstructionCasing",
        `Command '${keyword}' should match the case of the command majority (${wanted})`,
        place,
      ),
    );
}

function lintInstruction(instruction: Instruction): readonly Warning[] {
  if (instruction.kind === "maintainer") {
    return [
      warning(
        "MaintainerDeprecated",
        "Maintainer instruction is deprecated in favor of using label",
        instruction,
      ),
    ];
  }
  const pairs =
    instruction.kind === "env"
      ? instruction.variables
      : instruction.kind === "label"
        ? instruction.labels
        : [];
  const kind = instruction.kind.toUpperCase();
  const found = pairs
    .filter(({ isLegacy }) => isLegacy)
    .map(() =>
      warning(
        "LegacyKeyValueFormat",
        `"${kind} key=value" should be used instead of legacy "${kind} key value" format`,
        instruction,
      ),
    );
  return [...found, ...lintSecrets(instruction)];
}

const secretWords =
  /(^|_)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(_|$)/i;
const harmlessWords = /(^|_)public(_|$)/i;

function lintSecrets(instruction: Instruction): readonly Warning[] {
  const names =
    instruction.kind === "env"
      ? instruction.variables.map(({ name }) => name)
      : instruction.kind === "arg"
        ? instruction.definitions.map(({ name }) => name)
        : [];
  const kind = instruction.kind.toUpperCase();
  return names
    .filter((name) => secretWords.test(name) && !harmlessWords.test(name))
    .map((name) =>
      warning(
        "SecretsUsedInArgOrEnv",
        `Do not use ARG or ENV instructions for sensitive data (${kind} ${JSON.stringify(name)})`,
        instruction,
      ),
    );
}

/** Of several CMD, ENTRYPOINT or HEALTHCHECK in a stage only the last counts. */
function lintRepeated(stage: Stage): readonly Warning[] {
  return (["cmd", "entrypoint", "healthcheck"] as const).flatMap((kind) => {
    const all = stage.instructions.filter((instruction) => instruction.kind === kind);
    return all
      .slice(0, -1)
      .map((place) =>
        warning(
          "MultipleInstructionsDisallowed",
          `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`,
          place,
        ),
      );
  });
}
