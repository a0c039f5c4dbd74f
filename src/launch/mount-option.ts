/**
 * Mount options of the runtime spec (`ro`, `nosuid`, `rbind`, `rprivate`, `size=64m` …) taken apart.
 *
 * Pure. The words are those of mount(8) and of config.md "Linux mount options"; what is not in the table is the file
 * system's own and goes to fsconfig untouched.
 */
import type { MountAttribute, MountFlag } from "./operation.ts";

export interface MountOptions {
  /** MOUNT_ATTR_* of the mount itself. */
  readonly set: readonly MountAttribute[];
  readonly clear: readonly MountAttribute[];
  /** The same, for everything below a recursive bind as well (`rro` …). */
  readonly recursiveSet: readonly MountAttribute[];
  readonly recursiveClear: readonly MountAttribute[];
  readonly bind: boolean;
  readonly recursive: boolean;
  readonly propagation?: { readonly flag: MountFlag; readonly recursive: boolean };
  /** Copy what the image has at the target into a new tmpfs. */
  readonly copyUp: boolean;
  /** Changes what is mounted there already. */
  readonly remount: boolean;
  /** Map ids: by the mount's own maps, or the container's; of what is mounted below as well. */
  readonly idMap?: "mount" | "recursive";
  /** The superblock's: flags have no value. */
  readonly data: readonly { readonly key: string; readonly value: string | null }[];
}

type Change = { readonly set?: MountAttribute; readonly clear?: MountAttribute };

const attributeWords: Readonly<Record<string, Change>> = {
  ro: { set: "MOUNT_ATTR_RDONLY" },
  rw: { clear: "MOUNT_ATTR_RDONLY" },
  nosuid: { set: "MOUNT_ATTR_NOSUID" },
  suid: { clear: "MOUNT_ATTR_NOSUID" },
  nodev: { set: "MOUNT_ATTR_NODEV" },
  dev: { clear: "MOUNT_ATTR_NODEV" },
  noexec: { set: "MOUNT_ATTR_NOEXEC" },
  exec: { clear: "MOUNT_ATTR_NOEXEC" },
  nosymfollow: { set: "MOUNT_ATTR_NOSYMFOLLOW" },
  symfollow: { clear: "MOUNT_ATTR_NOSYMFOLLOW" },
  nodiratime: { set: "MOUNT_ATTR_NODIRATIME" },
  diratime: { clear: "MOUNT_ATTR_NODIRATIME" },
  noatime: { set: "MOUNT_ATTR_NOATIME", clear: "MOUNT_ATTR__ATIME" },
  relatime: { set: "MOUNT_ATTR_RELATIME", clear: "MOUNT_ATTR__ATIME" },
  strictatime: { set: "MOUNT_ATTR_STRICTATIME", clear: "MOUNT_ATTR__ATIME" },
  atime: { clear: "MOUNT_ATTR_NOATIME" },
  norelatime: { clear: "MOUNT_ATTR_RELATIME" },
  nostrictatime: { clear: "MOUNT_ATTR_STRICTATIME" },
};

const propagationWords: Readonly<Record<string, MountFlag>> = {
  private: "MS_PRIVATE",
  shared: "MS_SHARED",
  slave: "MS_SLAVE",
  unbindable: "MS_UNBINDABLE",
};

/** Words that say what is the case anyway. */
const noopWords: ReadonlySet<string> = new Set([
  "defaults",
  "async",
  "nolazytime",
  "loud",
  // What the kernel logs, and a flag that file systems have come to set for themselves.
  "silent",
  "iversion",
  "nomand",
  "noiversion",
]);

/** The superblock's flags; their names are fsconfig's too. */
const superblockWords: ReadonlySet<string> = new Set(["sync", "dirsync", "lazytime", "mand"]);

interface Draft {
  readonly set: Set<MountAttribute>;
  readonly clear: Set<MountAttribute>;
  readonly recursiveSet: Set<MountAttribute>;
  readonly recursiveClear: Set<MountAttribute>;
  readonly data: { key: string; value: string | null }[];
  bind: boolean;
  recursive: boolean;
  copyUp: boolean;
  remount: boolean;
  idMap?: "mount" | "recursive";
  propagation?: { readonly flag: MountFlag; readonly recursive: boolean };
}

/** Takes the words apart; where two contradict each other the later one wins, as in mount(8). */
export function parseMountOptions(words: readonly string[]): MountOptions {
  const draft: Draft = {
    set: new Set(),
    clear: new Set(),
    recursiveSet: new Set(),
    recursiveClear: new Set(),
    data: [],
    bind: false,
    recursive: false,
    copyUp: false,
    remount: false,
  };
  for (const word of words) {
    if (!takeBindWord(draft, word) && !takeAttributeWord(draft, word)) takeSuperblockWord(draft, word);
  }
  return {
    ...draft,
    set: [...draft.set],
    clear: [...draft.clear],
    recursiveSet: [...draft.recursiveSet],
    recursiveClear: [...draft.recursiveClear],
  };
}

function takeBindWord(draft: Draft, word: string): boolean {
  if (word === "bind" || word === "rbind") {
    draft.bind = true;
    draft.recursive = word === "rbind";
    return true;
  }
  const recursive = word.startsWith("r") && propagationWords[word.slice(1)] !== undefined;
  const flag = propagationWords[recursive ? word.slice(1) : word];
  if (flag === undefined) return false;
  draft.propagation = { flag, recursive };
  return true;
}

function takeAttributeWord(draft: Draft, word: string): boolean {
  const own = attributeWords[word];
  if (own !== undefined) {
    applyChange(own, draft.set, draft.clear);
    return true;
  }
  const below = word.startsWith("r") ? attributeWords[word.slice(1)] : undefined;
  if (below === undefined) return false;
  applyChange(below, draft.recursiveSet, draft.recursiveClear);
  return true;
}

function applyChange(change: Change, set: Set<MountAttribute>, clear: Set<MountAttribute>): void {
  if (change.clear === "MOUNT_ATTR__ATIME") {
    for (const atime of ["MOUNT_ATTR_NOATIME", "MOUNT_ATTR_RELATIME", "MOUNT_ATTR_STRICTATIME"] as const)
      set.delete(atime);
  }
  if (change.set !== undefined) {
    clear.delete(change.set);
    set.add(change.set);
  }
  if (change.clear !== undefined) {
    set.delete(change.clear);
    clear.add(change.clear);
  }
}

function takeSuperblockWord(draft: Draft, word: string): void {
  if (word === "" || noopWords.has(word)) return;
  if (word === "tmpcopyup") draft.copyUp = true;
  else if (word === "remount") draft.remount = true;
  else if (word === "idmap") draft.idMap = "mount";
  else if (word === "ridmap") draft.idMap = "recursive";
  else takeDatum(draft, word);
}

function takeDatum(draft: Draft, word: string): void {
  const equals = word.indexOf("=");
  if (equals > 0 && !superblockWords.has(word))
    draft.data.push({ key: word.slice(0, equals), value: word.slice(equals + 1) });
  else draft.data.push({ key: word, value: null });
}

/** Every word that means something here, sorted; all others go to the file system. */
export function mountOptionWords(): readonly string[] {
  const own = [...Object.keys(attributeWords), ...Object.keys(propagationWords), "bind"];
  const below = own.map((word) => `r${word}`);
  return [
    ...own,
    ...below,
    ...noopWords,
    ...superblockWords,
    "idmap",
    "remount",
    "ridmap",
    "tmpcopyup",
  ].sort();
}

const mountFlagOf: Partial<Record<MountAttribute, MountFlag>> = {
  MOUNT_ATTR_RDONLY: "MS_RDONLY",
  MOUNT_ATTR_NOSUID: "MS_NOSUID",
  MOUNT_ATTR_NODEV: "MS_NODEV",
  MOUNT_ATTR_NOEXEC: "MS_NOEXEC",
  MOUNT_ATTR_RELATIME: "MS_RELATIME",
  MOUNT_ATTR_NOATIME: "MS_NOATIME",
  MOUNT_ATTR_STRICTATIME: "MS_STRICTATIME",
  MOUNT_ATTR_NODIRATIME: "MS_NODIRATIME",
  MOUNT_ATTR_NOSYMFOLLOW: "MS_NOSYMFOLLOW",
};

/** The old call's flags for the same attributes, for kernels without mount_setattr(2). */
export function mountFlagsOf(attributes: readonly MountAttribute[]): readonly MountFlag[] {
  return attributes.flatMap((attribute) => mountFlagOf[attribute] ?? []);
}
