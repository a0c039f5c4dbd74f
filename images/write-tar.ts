/**
 * Layer members to the bytes of a ustar archive: no user names, one time, root everywhere.
 */
import { Header } from "tar/header";
import type { LayerMember } from "./plan-entries.ts";

const blockBytes = 512;
const types = { directory: "Directory", file: "File", hardlink: "Link", symlink: "SymbolicLink" } as const;

/** The whole archive with its end mark. `mtimeSeconds` is every member's time. Throws when a path is too long. */
export function writeTar(members: readonly LayerMember[], mtimeSeconds: number): Buffer {
  const parts = members.flatMap((member) => [encodeHeader(member, mtimeSeconds), ...encodeData(member)]);
  return Buffer.concat([...parts, Buffer.alloc(2 * blockBytes)]);
}

function encodeHeader(member: LayerMember, mtimeSeconds: number): Buffer {
  const block = Buffer.alloc(blockBytes);
  const needsPax = new Header({
    path: member.kind === "directory" ? `${member.path}/` : member.path,
    type: types[member.kind],
    mode: "mode" in member ? member.mode : 0o777,
    uid: 0,
    gid: 0,
    size: member.kind === "file" ? member.data.length : 0,
    mtime: new Date(mtimeSeconds * 1000),
    linkpath: "target" in member ? member.target : "",
  }).encode(block);
  if (needsPax) throw new Error(`"${member.path}" does not fit a ustar header`);
  return block;
}

function encodeData(member: LayerMember): Uint8Array[] {
  if (member.kind !== "file") return [];
  const padding = (blockBytes - (member.data.length % blockBytes)) % blockBytes;
  return [member.data, Buffer.alloc(padding)];
}
