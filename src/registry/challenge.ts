/**
 * WWW-Authenticate: what a registry wants to see before it answers. Pure.
 *
 * Grammar of RFC 9110 section 11: several challenges may share a header, parameters are tokens or quoted strings.
 * What Bearer's parameters mean: https://distribution.github.io/distribution/spec/auth/token/
 */

export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Longer headers are noise. */
const maxHeaderLength = 8192;
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";

/** Every challenge of a header, in order; what can't be read is left out. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const text = header.slice(0, maxHeaderLength);
  const parameter = new RegExp(`[\\s,]*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`, "y");
  const scheme = new RegExp(`[\\s,]*(${token})(?=[\\s,]|$)(?!\\s*=)`, "y");
  for (let at = 0; at < text.length; ) {
    const current = challenges.at(-1);
    parameter.lastIndex = at;
    const assignment = current === undefined ? null : parameter.exec(text);
    if (assignment !== null && current !== undefined) {
      const [, name = "", quoted, bare = ""] = assignment;
      current.parameters[name.toLowerCase()] = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
      at = parameter.lastIndex;
      continue;
    }
    scheme.lastIndex = at;
    const start = scheme.exec(text);
    if (start === null) break;
    challenges.push({ scheme: (start[1] ?? "").toLowerCase(), parameters: Object.create(null) });
    at = scheme.lastIndex;
  }
  return challenges;
}

/** The challenge to answer: Bearer before Basic, others can't be. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.realm);
  return bearer ?? challenges.find(({ scheme }) => scheme === "basic");
}
