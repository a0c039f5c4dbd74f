/**
 * Host steps as text, one effect a line with its undo: the engine's part of `run --dry-run`. Pure.
 */
import type { HostEffect, HostStep } from "../host/step.ts";

const commentColumn = 80;

/** The lines, without line ends. A script for `ip -batch` or `nft -f` follows its command, indented. */
export function renderSteps(steps: readonly HostStep[]): readonly string[] {
  return steps.flatMap((step) => {
    const [first = "", ...more] = renderEffect(step);
    const undo = step.undo === undefined ? "" : `; undo: ${renderEffect(step.undo)[0]}`;
    return [`${first.padEnd(commentColumn)} # ${step.label}${undo}`, ...more];
  });
}

function renderEffect(effect: HostEffect): readonly string[] {
  switch (effect.kind) {
    case "mkdir":
      return [`mkdir("${effect.path}", 0${effect.mode.toString(8)})`];
    case "rmdir":
      return [`rmdir("${effect.path}")`];
    case "write":
      return [
        renderWrite(effect),
        ...(effect.instead ? [`    or, without it, ${renderWrite(effect.instead)}`] : []),
      ];
    case "remove":
      return [`rm -rf "${effect.path}"`];
    case "symlink":
      return [`symlink("${effect.target}", "${effect.path}")`];
    case "command":
      return [effect.argv.join(" "), ...scriptLines(effect.stdin)];
  }
}

function renderWrite({ path, data }: { readonly path: string; readonly data: string }): string {
  return `write("${path}", ${JSON.stringify(data)})`;
}

function scriptLines(script: string | undefined): readonly string[] {
  return (script ?? "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `    ${line}`);
}
