/**
 * What a name in a layer's tar means: a path below the root, a whiteout, an opaque mark, or an attempt to get out.
 *
 * Pure; names are bytes kept one a character. The unpacking process has chrooted, so a wrong answer here could not
 * reach a file outside; an archive that tries is refused all the same. Symbolic links are not names: their targets
 * are kept as they are, and the kernel resolves them inside the root.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
 */
import { BockerError } from "../errors.ts";
import { corrupt, quoteName } from "./tar-header.ts";

const whiteoutPrefix = ".wh.";
const opaqueName = ".wh..wh..opq";
/** AUFS kept its own books under these names. */
const aufsPrefix = ".wh..wh.";

export type LayerName =
  | { readonly kind: "path"; readonly path: string }
  /** Hides `path` of the layers below. */
  | { readonly kind: "whiteout"; readonly path: string }
  /** Hides everything below in the directory `path`. */
  | { readonly kind: "opaque"; readonly path: string }
  | { readonly kind: "ignored" };

/** The root itself is the empty path. Throws kind `corrupt` for names that climb out of the root. */
export function parseLayerName(name: string): LayerName {
  const path = pathBelowRoot(name);
  const slash = path.lastIndexOf("/");
  const base = path.slice(slash + 1);
  if (!base.startsWith(whiteoutPrefix)) {
    return path.startsWith(aufsPrefix) ? { kind: "ignored" } : { kind: "path", path };
  }
  const parent = slash < 0 ? "" : path.slice(0, slash);
  if (base === opaqueName) return { kind: "opaque", path: parent };
  if (base.startsWith(aufsPrefix)) return { kind: "ignored" };
  const hidden = base.slice(whiteoutPrefix.length);
  if (hidden === "" || hidden === "." || hidden === "..") {
    throw corrupt(`invalid whiteout ${quoteName(name)}: it hides no name`);
  }
  return { kind: "whiteout", path: parent === "" ? hidden : `${parent}/${hidden}` };
}

/** The path below the root that a name in any other archive means: a `.wh.` there is nothing but a name. */
export function parsePlainName(name: string): string {
  return pathBelowRoot(name);
}

/** The target of a hard link, which is a name from the root like any other. */
export function parseLinkTarget(entryName: string, linkName: string): string {
  const path = pathBelowRoot(linkName, `hard link ${quoteName(entryName)} to `);
  if (path === "") throw corrupt(`hard link ${quoteName(entryName)} to ${quoteName(linkName)}: not a file`);
  return path;
}

/** The directory a path is in; the root's own is the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** Drops leading slashes, "." and "x/..", as Go's path.Clean does, and refuses what is left above the root. */
function pathBelowRoot(name: string, context = "entry "): string {
  if (isClean(name)) return name;
  const kept: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.pop() === undefined) throw breakout(context, name);
  }
  return kept.join("/");
}

/** Most names need nothing: no empty, "." or ".." component and no slash at an end. */
function isClean(name: string): boolean {
  return name !== "" && !/(?:^|\/)(?:\.{0,2})(?:\/|$)/.test(name);
}

function breakout(context: string, name: string): BockerError {
  return new BockerError(`invalid ${context}${quoteName(name)}: breakout: it is outside of the layer`, {
    kind: "corrupt",
    hint: "the archive is malicious or damaged; nothing of it was kept",
  });
}
