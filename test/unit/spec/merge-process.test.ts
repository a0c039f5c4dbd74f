/** Entrypoint, command, environment and directory: docker's merging, case by case. */
import { describe, expect, test } from "bun:test";
import type { ImageProcessConfig } from "../../../src/image/image-config.ts";
import { cleanPath, defaultPath, mergeProcess, processEnvironment } from "../../../src/spec/merge-process.ts";
import { plainConfig } from "./container-fixture.ts";

const image: ImageProcessConfig = {
  Entrypoint: ["/entry", "-e"],
  Cmd: ["serve", "--all"],
  Env: ["PATH=/image/bin", "LANG=C", "A=image"],
  User: "www",
  WorkingDir: "/srv/app",
};

describe("words", () => {
  test.each([
    ["nothing asked", {}, image, ["/entry", "-e", "serve", "--all"]],
    ["a command replaces CMD", { command: ["x", "y"] }, image, ["/entry", "-e", "x", "y"]],
    ["an entrypoint clears CMD", { entrypoint: ["/bin/sh"] }, image, ["/bin/sh"]],
    ["both", { entrypoint: ["/bin/sh"], command: ["-c", "id"] }, image, ["/bin/sh", "-c", "id"]],
    ["an emptied entrypoint", { entrypoint: [], command: ["id"] }, image, ["id"]],
    ['docker\'s --entrypoint ""', { entrypoint: [""], command: ["id"] }, image, ["id"]],
    ["CMD alone", {}, { Cmd: ["sh"] }, ["sh"]],
    ["entrypoint alone", {}, { Entrypoint: ["/entry"] }, ["/entry"]],
    ["empty words stay", { command: ["sh", ""] }, {}, ["sh", ""]],
  ])("%s", (_, asked, from, expected) => {
    expect(mergeProcess({ ...plainConfig, ...asked }, from).args).toEqual(expected);
  });

  test.each([
    [{}, {}],
    [{ entrypoint: [] }, image],
    [{ entrypoint: [""] }, image],
  ])("%j on %j: no command specified", (asked, from) => {
    expect(() => mergeProcess({ ...plainConfig, ...asked }, from)).toThrow("no command specified");
  });
});

describe("environment", () => {
  const facts = { hostname: "h", tty: false, home: "/root" };
  const environment = (
    env: readonly string[],
    from: ImageProcessConfig = {},
    tty = false,
  ): readonly string[] =>
    processEnvironment(mergeProcess({ ...plainConfig, command: ["x"], env }, from).env, { ...facts, tty });

  test("docker's order: PATH, HOSTNAME, TERM, the user's, the image's, HOME", () => {
    expect(environment(["B=user", "A=user"], image, true)).toEqual([
      "PATH=/image/bin",
      "HOSTNAME=h",
      "TERM=xterm",
      "B=user",
      "A=user",
      "LANG=C",
      "HOME=/root",
    ]);
  });

  test("with no words at all", () => {
    expect(environment([])).toEqual([`PATH=${defaultPath}`, "HOSTNAME=h", "HOME=/root"]);
  });

  test("the user replaces any default in its place", () => {
    expect(environment(["HOME=/h", "TERM=vt100", "HOSTNAME=other", "PATH=/p"], image, true)).toEqual([
      "PATH=/p",
      "HOSTNAME=other",
      "TERM=vt100",
      "HOME=/h",
      "LANG=C",
      "A=image",
    ]);
  });

  test("of one name given twice the last counts; values may hold anything", () => {
    expect(environment(["A=1", "B==x=", "A=2", "C=a\nb", "D="])).toEqual([
      `PATH=${defaultPath}`,
      "HOSTNAME=h",
      "A=2",
      "B==x=",
      "C=a\nb",
      "D=",
      "HOME=/root",
    ]);
  });

  test("a word without a value removes, a word without a name is nothing", () => {
    expect(environment(["PATH", "=x"])).toEqual(["HOSTNAME=h", "HOME=/root"]);
  });
});

describe("directory and user", () => {
  test.each([
    [{}, "/srv/app"],
    [{ workdir: "/" }, "/"],
    [{ workdir: "/a//b/../c/" }, "/a/c"],
    [{ workdir: "" }, "/srv/app"],
  ])("%j", (asked, cwd) => {
    expect(mergeProcess({ ...plainConfig, ...asked }, image).cwd).toBe(cwd);
  });

  test("an image's relative directory counts from the root", () => {
    expect(mergeProcess({ ...plainConfig, command: ["x"] }, { WorkingDir: "app" }).cwd).toBe("/app");
    expect(mergeProcess({ ...plainConfig, command: ["x"] }, {}).cwd).toBe("/");
  });

  test("a relative one of the user's is refused", () => {
    expect(() => mergeProcess({ ...plainConfig, workdir: "app" }, image)).toThrow(
      "the working directory 'app' is invalid, it needs to be an absolute path",
    );
  });

  test("user: asked, else the image's, else nobody named", () => {
    expect(mergeProcess(plainConfig, image).user).toBe("www");
    expect(mergeProcess({ ...plainConfig, user: "5" }, image).user).toBe("5");
    expect(mergeProcess({ ...plainConfig, command: ["x"] }, {}).user).toBe("");
  });

  test("paths never climb above the root", () => {
    expect(cleanPath("/../../etc/./x")).toBe("/etc/x");
    expect(cleanPath("/..")).toBe("/");
  });
});
