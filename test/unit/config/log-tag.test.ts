import { expect, test } from "bun:test";
import { checkLogTag, renderLogTag } from "../../../src/config/log-tag.ts";

const fields = {
  ID: "0123456789ab",
  FullID: "0123456789abcdef",
  Name: "web",
  ImageID: "aaaa",
  ImageFullID: "sha256:aaaabbbb",
  ImageName: "nginx:1",
  DaemonName: "bocker",
};

test.each([
  ["plain", "plain"],
  ["{{.Name}}", "web"],
  ["{{ .ImageName }}/{{- .ID -}}", "nginx:1/0123456789ab"],
  [
    "{{.FullID}} {{.ImageID}} {{.ImageFullID}} {{.DaemonName}}",
    "0123456789abcdef aaaa sha256:aaaabbbb bocker",
  ],
])("the tag %p is %p", (tag, expected) => {
  expect(renderLogTag(checkLogTag(tag), fields)).toBe(expected);
});

test.each(["{{.Nme}}", "{{Name}}", "{{.constructor}}", "{{.Name | upper}}", "{{", "a }} b", "{{.Name"])(
  "the tag %p is refused",
  (tag) => {
    expect(() => checkLogTag(tag)).toThrow("invalid log tag");
  },
);
