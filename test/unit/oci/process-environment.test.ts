/** The environment of an OCI container's process: once each, and HOME. */
import { expect, test } from "bun:test";
import { withHome } from "../../../src/oci/process-environment.ts";

const passwd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:99:99::/var/empty:\nbare:x:7:7:::\n";

function environment(uid: number, env?: readonly string[]): readonly string[] | undefined {
  const process = { args: ["true"], cwd: "/", user: { uid, gid: 0 }, ...(env === undefined ? {} : { env }) };
  return withHome(process, () => passwd).env;
}

test("HOME is the user's in passwd, or /", () => {
  expect(environment(0, ["A=1"])).toEqual(["A=1", "HOME=/root"]);
  expect(environment(99)).toEqual(["HOME=/var/empty"]);
  expect(environment(7)).toEqual(["HOME=/"]);
  expect(environment(12345)).toEqual(["HOME=/"]);
});

test("an empty HOME counts as none, one that says something stays and passwd is not read", () => {
  expect(environment(0, ["HOME=/else", "HOME="])).toEqual(["HOME=/root"]);
  const process = { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 }, env: ["HOME=/else"] };
  const unread = () => {
    throw new Error("read");
  };
  expect(withHome(process, unread).env).toEqual(["HOME=/else"]);
});

test("of a variable that is set twice the last word counts", () => {
  expect(environment(0, ["ONE=two", "B=", "ONE=three=x", "HOME=/h"])).toEqual([
    "ONE=three=x",
    "B=",
    "HOME=/h",
  ]);
});
