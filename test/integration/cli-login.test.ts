/** Login and logout from the outside: docker-registry with htpasswd and TLS, a credential helper, a terminal. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startRegistry } from "../lib/registry-fixture.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;

beforeAll(() => {
  bocker = openWorkspace();
}, 60_000);
afterAll(() => bocker[Symbol.asyncDispose]());

describe("login and logout", () => {
  test("htpasswd: nobody, the wrong password, the right one, and out again", async () => {
    await using guarded = await startRegistry({ user: { name: "ann", password: "pass:word" } });
    const name = `${guarded.host}/app`;
    const config = join(bocker.directory, ".docker/config.json");
    await bocker.ok("tag", "busybox", name);
    const nobody = await bocker.run("push", name);
    expect(nobody).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("no basic auth credentials"),
    });
    const wrong = await bocker.run("login", "-u", "ann", "-p", "x", guarded.host);
    expect(wrong).toMatchObject({ exitCode: 1, stdout: "" });
    expect(wrong.stderr).toContain(
      "WARNING! Using --password via the CLI is insecure. Use --password-stdin.",
    );
    expect(wrong.stderr).toContain(
      `login attempt to http://${guarded.host}/v2/ failed with status: 401 Unauthorized`,
    );
    expect(existsSync(config)).toBe(false);
    const words = ["login", "--username", "ann", "--password-stdin", guarded.host] as const;
    const right = await bocker.runWith({ stdin: "pass:word\n" }, ...words);
    expect(right).toMatchObject({ exitCode: 0, stdout: "Login Succeeded\n" });
    expect(right.stderr).toContain(`WARNING! Your credentials are stored unencrypted in '${config}'.`);
    expect(statSync(config).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({
      auths: { [guarded.host]: { auth: btoa("ann:pass:word") } },
    });
    await bocker.ok("push", name);
    expect(await bocker.ok("search", `${guarded.host}/`)).toContain(`${guarded.host}/app`);
    const remembered = await bocker.run("login", guarded.host);
    expect(remembered).toMatchObject({ exitCode: 0, stdout: "Login Succeeded\n" });
    expect(remembered.stderr).toContain("Authenticating with existing credentials... [Username: ann]");
    expect(await bocker.ok("logout", guarded.host)).toBe(`Removing login credentials for ${guarded.host}`);
    expect(JSON.parse(readFileSync(config, "utf8"))).toEqual({ auths: {} });
    expect((await bocker.run("search", `${guarded.host}/`)).exitCode).toBe(1);
  });

  test("TLS with an authority of its own, in DOCKER_CONFIG", async () => {
    await using secure = await startRegistry({ tls: true, user: { name: "ann", password: "secret" } });
    const folder = join(bocker.directory, "elsewhere");
    const env = { DOCKER_CONFIG: folder };
    const login = await bocker.runWith(
      { env, stdin: "secret" },
      "login",
      "-uann",
      "--password-stdin",
      `https://${secure.host}/v2/`,
    );
    expect(login).toMatchObject({ exitCode: 0, stdout: "Login Succeeded\n" });
    await bocker.ok("tag", "busybox", `${secure.host}/app`);
    const push = await bocker.runWith({ env }, "push", `${secure.host}/app`);
    expect(push).toMatchObject({ exitCode: 0, stderr: "" });
    const authfile = join(folder, "config.json");
    const words = ["inspect", "--tls-verify=false", "--authfile", authfile, `docker://${secure.host}/app`];
    const seen = Bun.spawnSync(["skopeo", ...words], { stderr: "pipe" });
    expect(seen.stderr.toString()).toBe("");
    expect(JSON.parse(seen.stdout.toString()).RepoTags).toEqual(["latest"]);
  });

  test("a credential helper keeps the password; the file names only the registry", async () => {
    await using guarded = await startRegistry({ user: { name: "ann", password: "secret" } });
    const bin = join(bocker.directory, "bin");
    const folder = join(bocker.directory, "helped");
    mkdirSync(bin);
    mkdirSync(folder);
    const vault = join(bocker.directory, "vault");
    writeFileSync(
      join(bin, "docker-credential-test"),
      `#!/bin/sh\ncase $1 in\nstore) cat > ${vault};;\nget) cat ${vault} 2>/dev/null || { echo credentials not found in native keychain; exit 1; };;\nerase) rm -f ${vault};;\nesac\n`,
    );
    chmodSync(join(bin, "docker-credential-test"), 0o755);
    writeFileSync(
      join(folder, "config.json"),
      '{"credHelpers":{"HOST":"test"},"detachKeys":"ctrl-x"}'.replace("HOST", guarded.host),
    );
    const env = { DOCKER_CONFIG: folder, PATH: `${bin}:${process.env.PATH}` };
    const login = await bocker.runWith(
      { env, stdin: "secret" },
      "login",
      "-uann",
      "--password-stdin",
      guarded.host,
    );
    expect(login).toMatchObject({ exitCode: 0, stdout: "Login Succeeded\n", stderr: "" });
    expect(JSON.parse(readFileSync(vault, "utf8"))).toEqual({
      ServerURL: guarded.host,
      Username: "ann",
      Secret: "secret",
    });
    expect(JSON.parse(readFileSync(join(folder, "config.json"), "utf8"))).toEqual({
      credHelpers: { [guarded.host]: "test" },
      detachKeys: "ctrl-x",
      auths: { [guarded.host]: {} },
    });
    await bocker.ok("tag", "busybox", `${guarded.host}/app`);
    expect((await bocker.runWith({ env }, "push", `${guarded.host}/app`)).exitCode).toBe(0);
    expect((await bocker.runWith({ env }, "logout", guarded.host)).exitCode).toBe(0);
    expect(existsSync(vault)).toBe(false);
  });

  test("asks on a terminal, without showing the password", async () => {
    await using guarded = await startRegistry({ user: { name: "ann", password: "secret" } });
    await using terminal = bocker.terminal("login", guarded.host);
    await terminal.waitFor("Username: ");
    terminal.type("ann\r");
    await terminal.waitFor("Password: ");
    terminal.type("secret\r");
    await terminal.waitFor("Login Succeeded");
    expect(await terminal.exited).toBe(0);
    expect(terminal.screen).not.toContain("secret");
    // ECHO is back.
    expect(terminal.localFlags() & 8).toBe(8);
  });

  const refused: readonly (readonly [readonly string[], string])[] = [
    [["login", "HOST"], "Cannot perform an interactive login from a non TTY device"],
    [["login", "--password-stdin", "HOST"], "Must provide --username with --password-stdin"],
    [
      ["login", "-u", "a", "-p", "b", "--password-stdin", "HOST"],
      "--password and --password-stdin are mutually exclusive",
    ],
    [["login", "-u", "a", "-p", "b", "no host"], "invalid reference format"],
  ];
  for (const [words, message] of refused) {
    test(words.join(" "), async () => {
      const { exitCode, stderr } = await bocker.run(
        ...words.map((word) => word.replace("HOST", "localhost:1")),
      );
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`Error: ${message}`);
    });
  }
});
