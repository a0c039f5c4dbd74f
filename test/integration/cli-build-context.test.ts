/**
 * Where a build's context and Dockerfile come from, what belongs to a context, and what ADD makes of archives.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { namesIn, openBuildBench } from "../lib/build-bench.ts";
import { type GitServer, startGitServer } from "../lib/git-server.ts";
import { makeMember, makeTar } from "../lib/tar-maker.ts";

const bench = openBuildBench();
const { workspace, directory, folder, runOf } = bench;
let git: GitServer;
let web: Bun.Server<undefined>;
/** What the server has, by path. */
const served = new Map<string, Uint8Array>();

beforeAll(async () => {
  git = await startGitServer(join(directory, "git"), {
    Dockerfile: "FROM busybox\nCOPY here /here\nRUN test ! -e /.git\n",
    here: "from git\n",
    "sub/Dockerfile": "FROM scratch\nCOPY deep /deep\n",
    "sub/deep": "deeper\n",
  });
  web = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const bytes = served.get(new URL(url).pathname);
      return bytes === undefined ? new Response("no", { status: 404 }) : new Response(Buffer.from(bytes));
    },
  });
});

afterAll(async () => {
  web.stop(true);
  await git.stop();
  await bench[Symbol.asyncDispose]();
});

function tarOf(path: string, ...flags: readonly string[]): Uint8Array {
  return Bun.spawnSync(["tar", "-c", ...flags, "-C", path, "."]).stdout;
}

describe("contexts", () => {
  const plain = { Dockerfile: "FROM busybox\nCOPY x /x\n", x: "from a tar\n" };

  test.each([
    ["plain", []],
    ["gzip", ["-z"]],
    ["zstd", ["--zstd"]],
    ["xz", ["-J"]],
  ] as const)("a tar on standard input, %s", async (name, flags) => {
    const stdin = tarOf(folder(plain), ...flags);
    const { exitCode, stderr } = await workspace.runWith({ stdin }, "build", "-t", `tar-${name}`, "-");
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(await runOf(`tar-${name}`, "cat", "/x")).toBe("from a tar");
  });

  test("a tar whose Dockerfile has another name", async () => {
    const stdin = tarOf(folder({ "sub/My.file": "FROM busybox\nRUN echo my > /x\n" }));
    const { exitCode } = await workspace.runWith({ stdin }, "build", "-t", "my", "-f", "sub/My.file", "-");
    expect(exitCode).toBe(0);
  });

  test("a Dockerfile on standard input has an empty context", async () => {
    const built = await workspace.runWith(
      { stdin: "FROM busybox\nRUN echo alone > /x\n" },
      "build",
      "-q",
      "-",
    );
    expect(built.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    const refused = await workspace.runWith({ stdin: "FROM busybox\nCOPY x /\n" }, "build", "-");
    expect(refused.stderr).toContain('"/x": not found');
  });

  test("-f -: the Dockerfile from standard input, the context from the disk", async () => {
    const path = folder({ x: "of the folder\n" });
    const { exitCode } = await workspace.runWith(
      { stdin: "FROM busybox\nCOPY x /x\n" },
      "build",
      "-t",
      "stdin-file",
      "-f",
      "-",
      path,
    );
    expect(exitCode).toBe(0);
    expect(await runOf("stdin-file", "cat", "/x")).toBe("of the folder");
    const both = await workspace.run("build", "-f", "-", "-");
    expect(both.stderr).toContain("can't use stdin for both build context and dockerfile");
  });

  test("-f without a context: the folder that the Dockerfile is in", async () => {
    const path = folder({ "dockerfile.in": "FROM busybox\nCOPY x /x\n", x: "beside it\n" });
    const { exitCode } = await workspace.runWith(
      { cwd: path },
      "build",
      "-f",
      "dockerfile.in",
      "-t",
      "xx:0.01",
    );
    expect(exitCode).toBe(0);
    expect(await runOf("xx:0.01", "cat", "/x")).toBe("beside it");
  });

  test("a Dockerfile outside of the context", async () => {
    const file = join(folder({ outside: "FROM busybox\nCOPY x /x\n" }), "outside");
    expect((await workspace.run("build", "-q", "-f", file, folder({ x: "1" }))).exitCode).toBe(0);
  });

  test.each(["dockerfile", "Containerfile"])("%s is found", async (name) => {
    expect((await workspace.run("build", "-q", folder({ [name]: "FROM busybox\n" }))).exitCode).toBe(0);
  });

  test("a repository, a branch and a folder of it", async () => {
    await workspace.ok("build", "-q", "-t", "git-all", git.url);
    expect(await runOf("git-all", "cat", "/here")).toBe("from git");
    const { stdoutBytes } = await workspace.run("build", "-q", "-o", "-", `${git.url}#main:sub`);
    expect(namesIn(stdoutBytes)).toContain("deep");
    const missing = await workspace.run("build", `${git.url}#nothing`);
    expect(missing.stderr).toContain("failed to fetch remote git://127.0.0.1");
    expect(missing.exitCode).toBe(1);
    const outside = await workspace.run("build", `${git.url}#main:nowhere`);
    expect(outside.stderr).toContain('no directory "nowhere"');
  });

  test("a server that is not there is told as what it is: no registry", async () => {
    for (const [stdin, ...words] of [
      ["FROM busybox\nADD http://u:secret@127.0.0.1:1/x /\n", "-"],
      ["", "http://u:secret@127.0.0.1:1/x"],
    ] as const) {
      const { stderr, exitCode } = await workspace.runWith({ stdin }, "build", ...words);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('cannot fetch "http://u:xxxxx@127.0.0.1:1/x": connection refused');
    }
  });

  test("an archive and a Dockerfile that a server has", async () => {
    served.set("/context.tar.gz", tarOf(folder(plain), "-z"));
    served.set("/Dockerfile", Buffer.from("FROM busybox\nRUN echo served > /x\n"));
    const url = `http://127.0.0.1:${web.port}`;
    await workspace.ok("build", "-q", "-t", "web-tar", `${url}/context.tar.gz`);
    expect(await runOf("web-tar", "cat", "/x")).toBe("from a tar");
    await workspace.ok("build", "-q", "-t", "web-file", `${url}/Dockerfile`);
    expect(await runOf("web-file", "cat", "/x")).toBe("served");
    const missing = await workspace.run("build", `${url}/nothing`);
    expect(missing.stderr).toContain("invalid response status 404");
  });

  test("an archive that climbs out is refused, and nothing of it is written", async () => {
    const inner = folder({ x: "evil\n" });
    const stdin = Bun.spawnSync([
      "tar",
      "-cP",
      "--transform=s,^,../../../../../../tmp/bocker-climbed-,",
      "-C",
      inner,
      "x",
    ]).stdout;
    const { exitCode, stderr } = await workspace.runWith({ stdin }, "build", "-");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("failed to build");
    expect(existsSync("/tmp/bocker-climbed-x")).toBe(false);
  });

  test.each(["Dockerfile", ".dockerignore"])(
    "a %s of an archive that is a device is not read",
    async (name) => {
      // The null device: what has no end, as the zero device, is no different, and would take this machine's memory.
      const members = [makeMember({ name: "Dockerfile", data: "FROM scratch\n" })].filter(
        () => name !== "Dockerfile",
      );
      const stdin = makeTar(...members, { name, type: "3", major: 1, minor: 3 });
      const { exitCode, stderr } = await workspace.runWith({ stdin }, "build", "-");
      expect(stderr).toContain(`open ${name}: not a regular file`);
      expect(exitCode).toBe(1);
    },
  );

  test("a Dockerfile of an archive that is a link leads nowhere outside", async () => {
    const path = folder({});
    mkdirSync(path);
    symlinkSync("../../../../../../../etc/passwd", join(path, "Dockerfile"));
    const { stderr } = await workspace.runWith({ stdin: tarOf(path) }, "build", "-");
    expect(stderr).toContain("failed to read dockerfile: open Dockerfile: no such file or directory");
  });

  test.each([
    [
      ["/no/such/folder"],
      'ERROR: failed to build: unable to prepare context: path "/no/such/folder" not found',
    ],
    [
      ["-f", "nowhere", "."],
      "ERROR: failed to build: failed to solve: failed to read dockerfile: open nowhere: no such file or directory",
    ],
    [["-f", "/tmp", "."], "is a directory"],
    [["/etc/hostname"], 'path "/etc/hostname" not found'],
    [["https://example.com/x.git#a b"], "invalid git reference"],
  ])("%j is refused", async (words, message) => {
    const { exitCode, stderr } = await workspace.run("build", ...words);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(1);
  });
});

describe("what belongs to the context", () => {
  test("Dockerfile.dockerignore wins over .dockerignore", async () => {
    const path = folder({
      "a.file": "FROM busybox\nCOPY . /c\nRUN test -e /c/one && test ! -e /c/two\n",
      "a.file.dockerignore": "two\n",
      ".dockerignore": "one\n",
      one: "1",
      two: "2",
    });
    expect((await workspace.run("build", "-q", "-f", join(path, "a.file"), path)).exitCode).toBe(0);
  });

  test("a wrong pattern is said with file and line", async () => {
    const { stderr } = await workspace.run(
      "build",
      folder({ Dockerfile: "FROM busybox\n", ".dockerignore": "ok\n[a\n" }),
    );
    expect(stderr).toContain(".dockerignore:2");
  });

  test("what is left out is not read", async () => {
    const path = folder({
      Dockerfile: "FROM busybox\nCOPY . /c\n",
      ".dockerignore": "huge\n",
      "huge/part": "",
      x: "1",
    });
    truncateSync(join(path, "huge/part"), 1 << 30);
    const log = join(directory, "strace.log");
    const traced = ["strace", "-f", "-qq", "-e", "trace=openat,openat2", "-o", log, bockerBinary()];
    const { env } = workspace;
    const built = Bun.spawnSync([...traced, "build", "-q", "--no-cache", path], { env: { ...env } });
    expect(built.stderr.toString()).toBe("");
    expect(built.exitCode).toBe(0);
    const opened = readFileSync(log, "utf8");
    expect(opened).toContain(`${path}"`);
    expect(opened).not.toContain("huge");
  });
});

describe("ADD of archives that others made", () => {
  const add = (archive: Uint8Array, more = "") => {
    const path = folder({ Dockerfile: `FROM busybox\nADD a.tar /in/\n${more}` });
    writeFileSync(join(path, "a.tar"), archive);
    return workspace.run("build", "-q", path);
  };
  const end = Buffer.alloc(1024);

  test.each([
    ["a name above the root", [{ name: "../../../../tmp/bocker-added", data: "evil" }]],
    [
      "a file through a link to the host",
      [
        { name: "link", type: "2", linkName: "/tmp" },
        { name: "link/bocker-added", data: "evil" },
      ],
    ],
    [
      "a hard link to a file of the host",
      [{ name: "stolen", type: "1", linkName: "../../../../etc/shadow" }],
    ],
  ])("%s: nothing outside is read or written", async (_name, members) => {
    const { stdout, exitCode } = await add(Buffer.concat([...members.map(makeMember), end]));
    expect(existsSync("/tmp/bocker-added")).toBe(false);
    if (exitCode !== 0) return;
    const tree = await workspace.ok("run", "--rm", "--network", "none", stdout.trim(), "find", "/in");
    expect(tree).not.toContain("stolen");
  });

  test("a name that removes files in a layer is refused", async () => {
    const members = [{ name: ".wh.keep", data: "2" }];
    const { stderr, exitCode } = await add(Buffer.concat([...members.map(makeMember), end]));
    expect(stderr).toContain('cannot copy "/in/.wh.keep": in a layer such a name removes a file');
    expect(exitCode).toBe(1);
  });

  test("modes are the archive's", async () => {
    const members = [
      { name: "keep", data: "1" },
      { name: "tool", data: "#!/bin/sh", mode: 0o4755 },
    ];
    const more = 'RUN test -f /in/keep && test "$(stat -c %a /in/tool)" = 4755\n';
    const { stderr } = await add(Buffer.concat([...members.map(makeMember), end]), more);
    expect(stderr).toBe("");
  });

  test("what is cut off is said with the instruction", async () => {
    const whole = makeMember({ name: "x", data: "y".repeat(2000) });
    const { stderr, exitCode } = await add(whole.subarray(0, 1024));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('cannot unpack "a.tar"');
    expect(stderr).toContain("   2 | ADD a.tar /in/");
  });

  test("what only looks compressed is copied as it is", async () => {
    const path = folder({ Dockerfile: "FROM busybox\nADD odd.gz /in/\nRUN test -f /in/odd.gz\n" });
    writeFileSync(join(path, "odd.gz"), Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    expect(await workspace.run("build", "-q", path)).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
