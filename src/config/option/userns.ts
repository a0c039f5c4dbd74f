/**
 * Options of run and create about user namespaces.
 */
import { listOption, type RunOption, stringOption, wordMember } from "../run-option.ts";
import { parseIdMap, parseUserns } from "../userns-spec.ts";

export const usernsOptions: readonly RunOption[] = [
  stringOption(
    { name: "userns", help: "User namespace to use" },
    (draft, mode) => {
      if (mode === "") return;
      parseUserns(mode);
      draft.config.usernsMode = mode;
    },
    (config) => config.usernsMode,
  ),
  listOption(
    {
      name: "uidmap",
      help: "UID map to use for the user namespace (format: [flags]container:[@]host[:amount])",
    },
    (draft, words) => {
      parseIdMap(words, "uid");
      draft.config.uidMap = words;
    },
    (config) => config.uidMap,
  ),
  listOption(
    {
      name: "gidmap",
      help: "GID map to use for the user namespace (format: [flags]container:[@]host[:amount])",
    },
    (draft, words) => {
      parseIdMap(words, "gid");
      draft.config.gidMap = words;
    },
    (config) => config.gidMap,
  ),
  stringOption(
    { name: "subuidname", help: "Name in /etc/subuid whose ranges are the UID map" },
    ...wordMember("subuidName"),
  ),
  stringOption(
    { name: "subgidname", help: "Name in /etc/subgid whose ranges are the GID map" },
    ...wordMember("subgidName"),
  ),
];
