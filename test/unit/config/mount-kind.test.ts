/** `--mount` of images, of parts of volumes, and the keys that say how; each reads back as itself. */
import { describe, expect, test } from "bun:test";
import { parseMountFields, resolveMount } from "../../../src/config/mount-spec.ts";
import { renderMount } from "../../../src/config/render-mount.ts";

const parse = (text: string) => resolveMount(parseMountFields(text), "/home/me");
const volume = { type: "volume", name: "data", target: "/d", readOnly: false, copy: true } as const;
const bind = {
  type: "bind",
  source: "/s",
  target: "/d",
  readOnly: true,
  createSource: false,
  recursive: true,
} as const;

describe("what the fields mean", () => {
  const image = { type: "image", source: "alpine:3", target: "/d", readOnly: true } as const;
  const mounts: readonly (readonly [string, ReturnType<typeof parse>])[] = [
    ["type=image,source=alpine:3,target=/d", image],
    ["type=image,src=alpine:3,dst=/d,readonly", image],
    ["type=image,src=alpine:3,dst=/d,rw=true", { ...image, readOnly: false }],
    ["type=image,src=alpine:3,dst=/d,rw=false", image],
    ["type=volume,src=data,dst=/d,rw=false", { ...volume, readOnly: true }],
    ["type=bind,src=/s,dst=/d,rw=0", bind],
    ["type=bind,src=/s,dst=/d,ro,bind-create-src", { ...bind, createSource: true }],
    ["type=bind,src=/s,dst=/d,ro,bind-create-src=0", bind],
    ["type=image,src=alpine:3,dst=/d,subpath=/usr/bin", { ...image, subpath: "usr/bin" }],
    ["type=image,src=alpine:3,dst=/d,image-subpath=usr/./bin", { ...image, subpath: "usr/bin" }],
    ["src=data,dst=/d,volume-subpath=a/b", { ...volume, subpath: "a/b" }],
    ["src=data,dst=/d,volume-driver=local", volume],
    [
      "src=data,dst=/d,volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-label=a=1",
      { ...volume, driverOptions: { type: "tmpfs", device: "tmpfs" }, labels: { a: "1" } },
    ],
    ["type=bind,src=/s,dst=/d,ro,bind-recursive=enabled", bind],
    ["type=bind,src=/s,dst=/d,ro,bind-recursive=writable", { ...bind, submountsWritable: true }],
    [
      "type=bind,src=/s,dst=/d,ro,bind-recursive=readonly,bind-propagation=rprivate",
      { ...bind, propagation: "rprivate" },
    ],
  ];
  for (const [text, mount] of mounts) {
    test(text, () => {
      expect(parse(text)).toEqual(mount);
      expect(parse(renderMount(mount))).toEqual(mount);
    });
  }
});

describe("refusals", () => {
  const refusals: readonly (readonly [string, string])[] = [
    ["type=image,dst=/d", 'invalid mount config for type "image": field Source must not be empty'],
    ["type=image,src=x,dst=/d,ro,rw=true", "ro and rw cannot both be set"],
    ["type=bind,src=/s,dst=/d,ro,rw=true", "ro and rw cannot both be set"],
    ["src=data,dst=/d,bind-create-src", "cannot mix 'bind-*' options with mount type 'volume'"],
    ["type=image,src=x,dst=/d,subpath=../y", "subpath must be a relative path within the volume"],
    ["type=image,src=x,dst=/d,rw=maybe", "invalid value for rw: maybe"],
    ["type=bind,src=/s,dst=/d,image-subpath=x", "cannot mix 'image-*' options with mount type 'bind'"],
    ["src=data,dst=/d,volume-subpath=/abs", "subpath must be a relative path within the volume"],
    ["src=data,dst=/d,volume-subpath=..", "subpath must be a relative path within the volume"],
    ["dst=/d,volume-subpath=x", "must not set Subpath when using anonymous volumes"],
    ["src=data,dst=/d,volume-driver=nfs", 'error looking up volume plugin nfs: plugin "nfs" not found'],
    [
      "type=bind,src=/s,dst=/d,bind-recursive=sometimes",
      'invalid value for bind-recursive: sometimes (must be "enabled", "disabled", "writable", or "readonly")',
    ],
    [
      "type=bind,src=/s,dst=/d,bind-recursive=readonly",
      "option 'bind-recursive=readonly' requires 'readonly' to be specified in conjunction",
    ],
    [
      "type=bind,src=/s,dst=/d,ro,bind-recursive=readonly",
      "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified in conjunction",
    ],
  ];
  for (const [text, reason] of refusals) test(text, () => expect(() => parse(text)).toThrow(reason));
});
