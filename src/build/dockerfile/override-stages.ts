/**
 * `--from` and `--env`: a Dockerfile as if somebody had written another first FROM, and an ENV after each. Pure.
 */
import type { Dockerfile, EnvInstruction, EscapeToken, Stage } from "./syntax.ts";

export interface StageOverrides {
  /** In place of the first FROM's image; undefined: that stays. */
  readonly base: string | undefined;
  readonly env: readonly (readonly [name: string, value: string])[];
}

export function overrideStages(dockerfile: Dockerfile, { base, env }: StageOverrides): Dockerfile {
  const token = dockerfile.escapeToken;
  return {
    ...dockerfile,
    stages: dockerfile.stages.map((stage): Stage => {
      const named = base === undefined || stage.index > 0 ? stage : { ...stage, base: literal(base, token) };
      return env.length === 0
        ? named
        : { ...named, instructions: [envAt(stage, env, token), ...stage.instructions] };
    }),
  };
}

function envAt({ line, endLine }: Stage, env: StageOverrides["env"], token: EscapeToken): EnvInstruction {
  return {
    kind: "env",
    line,
    endLine,
    source: `ENV ${env.map(([name, value]) => `${name}=${value}`).join(" ")}`,
    variables: env.map(([name, value]) => ({
      name: literal(name, token),
      value: literal(value, token),
      isLegacy: false,
    })),
  };
}

/** A word that expands to this text, whatever is in it. */
function literal(text: string, token: EscapeToken): string {
  return text.replace(/[\\`$"']/g, (char) => `${token}${char}`);
}
