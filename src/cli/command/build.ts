import { writeFileSync } from "node:fs";
import { loadEngineSettings } from "../../config/engine-settings.ts";
import type { OptionSpec } from "../../config/option-spec.ts";
import type { BuildRequest, BuildResult } from "../../engine/run-build.ts";
import { BockerError } from "../../errors.ts";
import { canonicalName } from "../../image/reference.ts";
import { type BuildProgress, renderListing } from "../build/build-progress.ts";
import { contextWord, resolveBuildRequest } from "../build/build-request.ts";
import { containerOptions } from "../build/container-option.ts";
import { finishOptions } from "../build/finish-option.ts";
import { openBuildProgress, progressForms } from "../build/open-progress.ts";
import { foreignOptions } from "../build/refused-option.ts";
import { type Retries, readRetries, withRetries } from "../build/retry-option.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor, openEngineWith } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";

const own: readonly OptionSpec[] = [
  {
    name: "allow",
    kind: "list",
    help: 'Allow extra privileged entitlement (e.g., "network.host", "security.insecure")',
  },
  { name: "annotation", kind: "list", help: "Add annotation to the image" },
  { name: "build-arg", kind: "list", help: "Set build-time variables" },
  { name: "build-context", kind: "list", help: "Additional build contexts (e.g., name=path)" },
  {
    name: "cache-from",
    kind: "list",
    help: 'External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")',
  },
  {
    name: "cache-to",
    kind: "list",
    help: 'Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")',
  },
  { name: "check", kind: "boolean", help: "Check the Dockerfile without building it" },
  { name: "file", short: "f", kind: "string", help: 'Name of the Dockerfile (default: "PATH/Dockerfile")' },
  {
    name: "ignorefile",
    kind: "string",
    placeholder: "file",
    help: "File in place of the context's .dockerignore",
  },
  { name: "iidfile", kind: "string", help: "Write the image ID to a file" },
  { name: "label", kind: "list", help: "Set metadata for an image" },
  { name: "load", kind: "boolean", help: 'Shorthand for "--output=type=docker"' },
  { name: "metadata-file", kind: "string", help: "Write build result metadata to a file" },
  {
    name: "network",
    kind: "string",
    help: 'Set the networking mode for the "RUN" instructions during build',
    defaultText: "default",
  },
  { name: "no-cache", kind: "boolean", help: "Do not use cache when building the image" },
  { name: "no-cache-filter", kind: "list", help: "Do not cache specified stages" },
  { name: "output", short: "o", kind: "list", help: 'Output destination (format: "type=local,dest=path")' },
  { name: "platform", kind: "string", help: "Set target platform for build" },
  {
    name: "progress",
    kind: "string",
    help: `Set type of progress output (${progressForms.map((form) => `"${form}"`).join(", ")})`,
    defaultText: "auto",
  },
  { name: "pull", kind: "boolean", help: "Always attempt to pull all referenced images" },
  { name: "push", kind: "boolean", help: 'Shorthand for "--output=type=registry"' },
  {
    name: "quiet",
    short: "q",
    kind: "boolean",
    help: "Suppress the build output and print image ID on success",
  },
  {
    name: "secret",
    kind: "list",
    help: 'Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")',
  },
  ...["arch", "os", "variant"].map((name): OptionSpec => ({ name, kind: "string", help: "", hidden: true })),
  {
    name: "retry",
    kind: "int",
    help: "Times that a registry is asked again",
    defaultText: "4",
  },
  {
    name: "retry-delay",
    kind: "string",
    placeholder: "duration",
    help: "Pause before it is; doubles each time",
    defaultText: "400ms",
  },
  { name: "source-date-epoch", kind: "int", help: "", hidden: true },
  {
    name: "ssh",
    kind: "list",
    help: 'SSH agent socket to expose to the build (format: "default|<id>[=<socket>]")',
  },
  { name: "tag", short: "t", kind: "list", help: 'Name and optionally a tag (format: "name:tag")' },
  { name: "target", kind: "string", help: "Set the target build stage to build" },
  {
    name: "timestamp",
    kind: "int",
    placeholder: "seconds",
    help: "Time of the image and the latest of its files, since 1970",
  },
  { name: "verify", kind: "boolean", help: "Build twice without cache, and fail where the results differ" },
];

/** `bocker build`: a Dockerfile and a context become an image. */
export const command: CommandSpec = {
  name: "build",
  aliases: ["image build", "builder build", "buildx build"],
  summary: "Build an image from a Dockerfile",
  usage: "[OPTIONS] PATH | URL | -",
  options: [...own, ...finishOptions, ...containerOptions, ...foreignOptions].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  ),
  example: "bocker build -t web:1.2 .",
  errorPrefix: "ERROR: ",
  maxArguments: 1,
  async run(context, parsed) {
    if (parsed.boolean("check")) return check(context, parsed);
    const request = resolveBuildRequest(context, parsed);
    const retries = readRetries(parsed);
    const progress = await openBuildProgress(context, parsed);
    const stop = new AbortController();
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
    const onSignal = () => stop.abort(new BockerError("Canceled: context canceled", { kind: "cancelled" }));
    for (const signal of signals) process.on(signal, onSignal);
    try {
      const manner = { isVerified: parsed.boolean("verify"), retries, progress };
      const result = await build(context, { ...request, signal: stop.signal }, manner);
      writeResults(parsed, request, result);
      if (parsed.boolean("quiet")) context.out.write(`${result.imageId}\n`);
      return 0;
    } finally {
      for (const signal of signals) process.off(signal, onSignal);
    }
  },
};

interface BuildManner {
  readonly isVerified: boolean;
  readonly retries: Retries;
  readonly progress: BuildProgress;
}

async function build(
  context: CommandContext,
  request: BuildRequest,
  { isVerified, retries, progress }: BuildManner,
): Promise<BuildResult> {
  const settings = await loadEngineSettings(context.global, context.env);
  const engine = openEngineWith({ ...settings, registries: withRetries(settings.registries, retries) });
  const [{ runBuild, pushTags }, { verifyBuild }] = await Promise.all([
    import("../../engine/run-build.ts"),
    import("../../engine/verify-build.ts"),
  ]);
  const listener = {
    onEvent: (event: Parameters<BuildProgress["event"]>[0]) => progress.event(event),
    onSource: (source: Parameters<BuildProgress["source"]>[0]) => progress.source(source),
  };
  try {
    const result = await (isVerified ? verifyBuild : runBuild)(engine, request, listener);
    const isPushed = request.outputs.some((output) => output.kind === "image" && output.push);
    if (isPushed) await pushTags(engine, request.tags.map(canonicalName), listener.onEvent);
    return result;
  } catch (error) {
    throw asBuildError(error);
  } finally {
    progress.end();
  }
}

/** docker's words before the reason. */
function asBuildError(error: unknown): unknown {
  if (!(error instanceof BockerError) || error.kind === "usage" || error.kind === "permission") return error;
  const { message, kind, hint, details, cause, exitCode } = error;
  const isEarly = message.startsWith("unable to prepare context");
  const place = typeof details.excerpt === "string" ? `\n${details.excerpt}` : "";
  return new BockerError(`failed to build: ${isEarly ? "" : "failed to solve: "}${message}${place}`, {
    // Somebody who has had enough gets docker's words too, and no success.
    kind: kind === "cancelled" ? "host" : kind,
    details,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}

/** --iidfile without a newline, and --metadata-file, both as docker writes them. */
function writeResults(parsed: ParsedArguments, { tags }: BuildRequest, result: BuildResult): void {
  const idFile = parsed.string("iidfile");
  if (idFile) writeFileSync(idFile, result.imageId);
  const metadataFile = parsed.string("metadata-file");
  if (!metadataFile) return;
  const metadata = {
    "containerimage.config.digest": result.imageId,
    "containerimage.descriptor": result.manifest,
    "containerimage.digest": result.manifest.digest,
    ...(tags.length === 0 ? {} : { "image.name": tags.map(canonicalName).join(",") }),
  };
  writeFileSync(metadataFile, `${JSON.stringify(metadata, undefined, 2)}\n`);
}

/** docker's: each rule with its place, and exit code 1 where there is one. */
async function check(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const file = parsed.string("file");
  const engine = await openEngineFor(context);
  const { checkDockerfile } = await import("../../engine/run-build.ts");
  const { source, warnings } = await checkDockerfile(engine, { context: contextWord(parsed, file), file });
  if (warnings.length === 0) {
    context.out.write("Check complete, no warnings found.\n");
    return 0;
  }
  const count =
    warnings.length === 1 ? "1 warning has been found!" : `${warnings.length} warnings have been found!`;
  context.out.write(`Check complete, ${count}\n`);
  for (const warning of warnings) {
    const link = `https://docs.docker.com/go/dockerfile/rule/${kebab(warning.rule)}/`;
    context.out.write(
      `\nWARNING: ${warning.rule} - ${link}\n${warning.message}\n${renderListing(source, warning)}`,
    );
  }
  return 1;
}

function kebab(name: string): string {
  return name.replace(/(?!^)([A-Z])/g, "-$1").toLowerCase();
}
