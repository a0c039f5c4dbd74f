/**
 * Which form a build's progress has: live on a terminal, lines elsewhere, or as `--progress` says. On standard error.
 */
import { BockerError } from "../../errors.ts";
import type { CommandContext } from "../command-spec.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { type BuildProgress, createPlainProgress, createQuietProgress } from "./build-progress.ts";

export const progressForms = ["auto", "none", "plain", "quiet", "rawjson", "tty"] as const;

/** Throws kind `usage` for a form there is not, and for `tty` without a terminal. */
export async function openBuildProgress(
  { err, env }: CommandContext,
  parsed: ParsedArguments,
): Promise<BuildProgress> {
  const asked = parsed.string("progress") || env.BUILDKIT_PROGRESS || "auto";
  const form = progressForms.find((known) => known === asked);
  if (form === undefined) {
    throw new BockerError(`invalid progress mode: ${asked}`, {
      kind: "usage",
      hint: `it is one of ${progressForms.join(", ")}`,
    });
  }
  if (form === "rawjson") {
    const { createRawProgress } = await import("./raw-progress.ts");
    return createRawProgress(err);
  }
  if (parsed.boolean("quiet") || form === "quiet" || form === "none") return createQuietProgress(err);
  if (form === "tty" && !err.isTerminal) {
    throw new BockerError("failed to get console: provided file is not a console", { kind: "usage" });
  }
  if (form === "plain" || !err.isTerminal || env.TERM === "dumb") return createPlainProgress(err);
  const [{ createLiveProgress }, { default: picocolors }] = await Promise.all([
    import("./live-progress.ts"),
    import("picocolors"),
  ]);
  const colors = picocolors.createColors((env.NO_COLOR ?? "") === "");
  return createLiveProgress(err, { rows: () => process.stderr.rows, colors });
}
