/**
 * Options of run and create about privileges and shared namespaces.
 */
import { BockerError } from "../../errors.ts";
import { type Capability, parseCapability } from "../../security/capability.ts";
import { EngineRefusal } from "../engine-refusal.ts";
import { booleanOption, listOption, member, type RunOption, stringOption } from "../run-option.ts";
import { parseSecurityOpt } from "../security-opt.ts";
import { checkNamespaceMode } from "../value-check.ts";

export const securityOptions: readonly RunOption[] = [
  booleanOption(
    { name: "privileged", help: "Give extended privileges to this container" },
    ...member("privileged"),
  ),
  listOption(
    { name: "cap-add", help: "Add Linux capabilities" },
    (draft, words) => {
      draft.config.capAdd = words.map((word) => capabilityOf(word, "CapAdd"));
    },
    (config) => config.capAdd,
  ),
  listOption(
    { name: "cap-drop", help: "Drop Linux capabilities" },
    (draft, words) => {
      draft.config.capDrop = words.map((word) => capabilityOf(word, "CapDrop"));
    },
    (config) => config.capDrop,
  ),
  listOption(
    { name: "security-opt", help: "Security Options" },
    (draft, words, host) => {
      draft.config.securityOpt = words.map((word) => parseSecurityOpt(word, host));
    },
    (config) => config.securityOpt,
  ),
  stringOption(
    { name: "pid", help: "PID namespace to use" },
    (draft, mode) => {
      if (mode !== "")
        draft.config.pidMode = checkNamespaceMode(mode, new Error("--pid: invalid PID mode"), ["host"]);
    },
    (config) => config.pidMode,
  ),
  stringOption(
    { name: "ipc", help: "IPC mode to use" },
    (draft, mode) => {
      if (mode !== "") draft.config.ipcMode = checkIpcMode(mode);
    },
    (config) => config.ipcMode,
  ),
  stringOption(
    { name: "uts", help: "UTS namespace to use" },
    (draft, mode) => {
      if (mode !== "" && mode !== "host") throw new Error("--uts: invalid UTS mode");
      if (mode !== "") draft.config.utsMode = mode;
    },
    (config) => config.utsMode,
  ),
];

function capabilityOf(word: string, member: "CapAdd" | "CapDrop"): Capability | "ALL" {
  try {
    return parseCapability(word, member);
  } catch (error) {
    if (!(error instanceof BockerError)) throw error;
    const { message, kind, hint } = error;
    throw new BockerError(message, { kind, cause: new EngineRefusal(message), ...(hint && { hint }) });
  }
}

function checkIpcMode(mode: string): string {
  const problem = `invalid IPC mode: ${mode}`;
  return checkNamespaceMode(mode, new EngineRefusal(problem), ["none", "private", "shareable", "host"]);
}
