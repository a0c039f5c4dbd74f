/**
 * Which of the kernel's files a container does not see, and which it cannot write: docker's lists, changed by
 * --privileged and --security-opt systempaths=, mask= and unmask= (podman-run(1)). Pure.
 */
import { maskedPaths, readonlyPaths } from "./default-paths.ts";
import type { SecurityOptions } from "./security-option.ts";

export interface HiddenPaths {
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/** `more`: what is to be hidden on this host beside the list. What the user masks stays masked whatever else is said. */
export function hiddenPathsOf(
  { privileged }: { readonly privileged: boolean },
  { systemPathsConfined, mask, unmask }: Pick<SecurityOptions, "systemPathsConfined" | "mask" | "unmask">,
  more: readonly string[] = [],
): HiddenPaths {
  const isConfined = !privileged && systemPathsConfined;
  const kept = (paths: readonly string[]) =>
    isConfined ? paths.filter((path) => !unmask.some((pattern) => isUnmasked(path, pattern))) : [];
  return {
    maskedPaths: [...new Set([...kept([...maskedPaths, ...more]), ...mask])],
    readonlyPaths: kept(readonlyPaths),
  };
}

/** `ALL`, a path, or one with wildcards as a shell has them: none of them is a slash. */
function isUnmasked(path: string, pattern: string): boolean {
  if (pattern.toUpperCase() === "ALL") return true;
  const escaped = pattern.replace(/[.+^${}()|\\]/g, "\\$&");
  const text = escaped.replaceAll("*", "[^/]*").replaceAll("?", "[^/]");
  try {
    return new RegExp(`^${text}$`).test(path);
  } catch {
    return path === pattern;
  }
}
