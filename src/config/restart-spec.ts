/**
 * `--restart POLICY[:RETRIES]`. Pure; phrases are docker's (opts.ParseRestartPolicy, container.ValidateRestartPolicy).
 */
import type { RestartConfig } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";

const policies: readonly string[] = [
  "always",
  "unless-stopped",
  "on-failure",
] satisfies RestartConfig["policy"][];

/** Undefined for `no` and the empty text. Throws Error(reason). */
export function parseRestart(text: string): RestartConfig | undefined {
  if (text === "") return undefined;
  const colon = text.indexOf(":");
  const policy = colon < 0 ? text : text.slice(0, colon);
  const count = colon < 0 ? "" : text.slice(colon + 1);
  if (policy === "") throw new Error("invalid restart policy format: no policy provided before colon");
  if (count !== "" && !/^[+-]?\d{1,9}$/.test(count)) {
    throw new Error("invalid restart policy format: maximum retry count must be an integer");
  }
  const maxRetries = Number(count);
  checkRetries(policy, maxRetries);
  return policy === "no" ? undefined : { policy: policy as RestartConfig["policy"], maxRetries };
}

function checkRetries(policy: string, maxRetries: number): void {
  if (policy !== "no" && !policies.includes(policy)) {
    throw new EngineRefusal(
      `invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  if (policy !== "on-failure" && maxRetries !== 0) {
    const negative = maxRetries < 0 ? " and cannot be negative" : "";
    throw new EngineRefusal(
      `invalid restart policy: maximum retry count can only be used with 'on-failure'${negative}`,
    );
  }
  if (maxRetries < 0)
    throw new EngineRefusal("invalid restart policy: maximum retry count cannot be negative");
}

/** Reads back by parseRestart; undefined: the default. */
export function renderRestart(restart: RestartConfig | undefined): string | undefined {
  if (restart === undefined) return undefined;
  return restart.maxRetries === 0 ? restart.policy : `${restart.policy}:${restart.maxRetries}`;
}
