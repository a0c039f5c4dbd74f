/**
 * Options that other builders have and this one has not: what they would do is done by other means, or not at all. Taken
 * where they ask for what is done anyway.
 */
import type { OptionSpec } from "../../config/option-spec.ts";
import { BockerError } from "../../errors.ts";
import type { ParsedArguments } from "../parse-argv.ts";

const login = "bocker login, and [registry] of the engine's configuration, say how registries are asked";
const userns = "steps run as root of the host's, with the walls of run";
const ownNamespace = "a step has namespaces of its own, but for --network host";

/** Name and hint. */
const refused: Readonly<Record<string, string>> = {
  "all-platforms": "build them one after the other, each with a tag of its own",
  attest: "no attestations are made",
  authfile: login,
  builder: "there is one builder, and it needs no daemon",
  "cert-dir": login,
  "cpp-flag": "a Dockerfile is not run through cpp first: do that and give -f -",
  creds: login,
  "decryption-key": "images are not encrypted",
  device: "RUN --security=insecure with --allow security.insecure has the host's devices",
  "hooks-dir": "steps have no hooks",
  isolation: "there is one isolation only on Linux: default",
  ipc: ownNamespace,
  logfile: "redirect standard error, where the progress goes",
  logsplit: "redirect standard error, where the progress goes",
  manifest: "a build makes one image; name it with -t",
  "os-feature": "it is for Windows",
  "os-version": "it is for Windows",
  pid: ownNamespace,
  "runtime-flag": "steps need no other runtime",
  "security-opt": "steps have the walls that run has by default",
  "sign-by": "sign what has been pushed with a tool for that",
  stdin: "a RUN has no standard input: give it a secret, a bind mount or a heredoc",
  "tls-verify": login,
  userns,
  "userns-gid-map": userns,
  "userns-gid-map-group": userns,
  "userns-uid-map": userns,
  "userns-uid-map-user": userns,
  uts: ownNamespace,
};

const lists: ReadonlySet<string> = new Set(["attest", "security-opt"]);
const flags: ReadonlySet<string> = new Set(["all-platforms", "logsplit", "stdin", "tls-verify"]);

/** Flags that change nothing here, with the value that is taken and what to say of the other. */
const settled: Readonly<Record<string, { readonly only: boolean | undefined; readonly hint: string }>> = {
  rm: { only: true, hint: "a step leaves no container behind" },
  "force-rm": { only: undefined, hint: "" },
  compress: { only: undefined, hint: "" },
  "disable-compression": { only: undefined, hint: "" },
  "disable-content-trust": { only: undefined, hint: "" },
  "http-proxy": { only: false, hint: "name the variables: --build-arg HTTP_PROXY takes the environment's" },
  "rewrite-timestamp": { only: true, hint: "no file of a layer is later than the image" },
};

/** Of the command line: never in the help. */
export const foreignOptions: readonly OptionSpec[] = [
  ...Object.keys(settled).map(hidden("boolean")),
  ...Object.keys(refused).map((name) => hidden(kindOf(name))(name)),
  ...["provenance", "sbom"].map(hidden("string")),
];

function kindOf(name: string): OptionSpec["kind"] {
  if (lists.has(name)) return "list";
  return flags.has(name) ? "boolean" : "string";
}

function hidden(kind: OptionSpec["kind"]) {
  return (name: string): OptionSpec => ({ name, kind, help: "", hidden: true });
}

/** Throws kind `unsupported` for the first that is asked for. */
export function refuseForeign(parsed: ParsedArguments): void {
  for (const [name, hint] of Object.entries(refused)) {
    if (!parsed.has(name)) continue;
    if (name === "isolation" && ["", "default"].includes(parsed.string(name) ?? "")) continue;
    if (flags.has(name) && parsed.boolean(name) === (name === "tls-verify")) continue;
    throw unsupported(`--${name}`, hint);
  }
  for (const name of ["provenance", "sbom"]) {
    const word = parsed.string(name);
    if (word !== undefined && word !== "false")
      throw unsupported(`--${name}=${word}`, "no attestations are made; =false is taken");
  }
  for (const [name, { only, hint }] of Object.entries(settled)) {
    if (only === undefined || !parsed.has(name) || parsed.boolean(name) === only) continue;
    throw unsupported(`--${name}=${!only}`, hint);
  }
}

export function unsupported(what: string, hint: string): BockerError {
  return new BockerError(`${what} is not supported by build`, { kind: "unsupported", hint });
}

export function usage(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}
