/**
 * Options of run and create about health checks. What is not said here is the image's HEALTHCHECK.
 */

import { parseDuration, renderDuration } from "../../image/duration.ts";
import type { HealthConfig } from "../container-config.ts";
import { EngineRefusal } from "../engine-refusal.ts";
import { booleanOption, intOption, type RunOption, stringOption } from "../run-option.ts";
import { parseWordList } from "../split-words.ts";

type Times = "intervalNs" | "timeoutNs" | "startPeriodNs" | "startIntervalNs";

const actions: readonly string[] = ["kill", "restart", "stop"] satisfies NonNullable<
  HealthConfig["onFailure"]
>[];

function durationOption(name: string, key: Times, help: string, defaultText: string): RunOption {
  return stringOption(
    { name, placeholder: "duration", help, defaultText, check: parseDuration },
    (draft, text) => {
      const ns = parseDuration(text);
      if (ns < 0) throw new Error(`--${name} cannot be negative`);
      if (ns > 0 && ns < 1e6)
        throw new EngineRefusal(`${name.replace("health-", "")} in Healthcheck cannot be less than 1ms`);
      if (ns > 0) draft.config.health = { ...draft.config.health, [key]: ns };
    },
    ({ health }) => (health?.[key] === undefined ? undefined : renderDuration(health[key])),
  );
}

/**
 * A line for the shell, as with docker. podman's users also write `none`, and a JSON list: what an image's Healthcheck says,
 * or words to execute.
 */
function parseTest(text: string): readonly string[] {
  if (text === "none") return ["NONE"];
  const words = parseWordList(text);
  if (words === undefined) return ["CMD-SHELL", text];
  return ["CMD", "CMD-SHELL", "NONE"].includes(words[0] ?? "") ? words : ["CMD", ...words];
}

/** Reads back by parseTest; `NONE` is --no-healthcheck. */
function renderTest([kind, ...words]: readonly string[]): string | undefined {
  if (kind === "NONE") return undefined;
  return kind === "CMD-SHELL" ? words[0] : JSON.stringify([kind, ...words]);
}

export const healthOptions: readonly RunOption[] = [
  stringOption(
    { name: "health-cmd", help: "Command to run to check health; a JSON list is executed without a shell" },
    (draft, text) => {
      if (text !== "") draft.config.health = { ...draft.config.health, test: parseTest(text) };
    },
    ({ health }) => (health?.test === undefined ? undefined : renderTest(health.test)),
  ),
  durationOption("health-interval", "intervalNs", "Time between running the check (ms|s|m|h)", "30s"),
  durationOption("health-timeout", "timeoutNs", "Maximum time to allow one check to run (ms|s|m|h)", "30s"),
  durationOption(
    "health-start-period",
    "startPeriodNs",
    "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)",
    "0s",
  ),
  durationOption(
    "health-start-interval",
    "startIntervalNs",
    "Time between running the check during the start period (ms|s|m|h)",
    "5s",
  ),
  intOption(
    { name: "health-retries", help: "Consecutive failures needed to report unhealthy", defaultText: "3" },
    (draft, retries) => {
      if (retries < 0) throw new Error("--health-retries cannot be negative");
      if (retries > 0) draft.config.health = { ...draft.config.health, retries };
    },
    ({ health }) => health?.retries,
  ),
  stringOption(
    {
      name: "health-on-failure",
      help: 'Action to take once the container turns unhealthy ("none", "kill", "restart", "stop")',
      defaultText: "none",
    },
    (draft, action) => {
      if (action === "none" || action === "") return;
      if (!actions.includes(action)) {
        throw new Error(
          `invalid on-failure action ${JSON.stringify(action)} for health check: supported actions are none,kill,restart,stop`,
        );
      }
      draft.config.health = {
        ...draft.config.health,
        onFailure: action as NonNullable<HealthConfig["onFailure"]>,
      };
    },
    ({ health }) => health?.onFailure,
  ),
  booleanOption(
    { name: "no-healthcheck", help: "Disable any container-specified HEALTHCHECK" },
    (draft, value) => {
      if (!value) return;
      if (draft.config.health !== undefined) {
        throw new Error("--no-healthcheck conflicts with --health-* options");
      }
      draft.config.health = { test: ["NONE"] };
    },
    ({ health }) => health?.test?.[0] === "NONE",
  ),
];
