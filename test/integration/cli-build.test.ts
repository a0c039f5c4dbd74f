/**
 * `build` from the outside: where contexts and Dockerfiles come from, what its options do, where results go.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { type GitServer, startGitServer } from "../lib/git-server.ts";
import { startRegistry } from "../lib/registry-fixture.ts";
import { makeMember } from "../lib/tar-maker.ts";
import { openWorkspace } from "../lib/workspace.ts";

const workspace = openWorkspace();
const { directory } = workspace;
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
  await workspace[Symbol.asyncDispose]();
});

let made = 0;

/** A new folder with these files. */
function folder(files: Readonly<Record<string, string>>): string {
  const path = join(directory, `context-${++made}`);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, ".."), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  return path;
}

function tarOf(path: string, ...flags: readonly string[]): Uint8Array {
  return Bun.spawnSync(["tar", "-c", ...flags, "-C", path, "."]).stdout;
}

function namesIn(tar: Uint8Array): string[] {
  return Bun.spawnSync(["tar", "-t"], { stdin: tar }).stdout.toString().trim().split("\n");
}

/** What the image prints. */
const runOf = (image: string, ...words: readonly string[]) =>
  workspace.ok("run", "--rm", "--network", "none", image, ...words);

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

describe("the cache", () => {
  const cached = async (path: string, ...options: readonly string[]) => {
    const { stderr, exitCode } = await workspace.run("build", "--progress=plain", ...options, path);
    expect(exitCode).toBe(0);
    return stderr.split("\n").filter((line) => line.endsWith(" CACHED")).length;
  };

  test("is by content: times and ignored files do not matter, bytes, modes and arguments do", async () => {
    const path = folder({
      Dockerfile: "FROM busybox\nARG A=1\nCOPY . /c\nRUN echo $A > /a\n",
      ".dockerignore": "notes\nDockerfile\n.dockerignore\n",
      x: "1",
      notes: "1",
    });
    expect(await cached(path)).toBe(1);
    expect(await cached(path)).toBe(3);
    utimesSync(join(path, "x"), 1, 1);
    writeFileSync(join(path, "notes"), "2");
    expect(await cached(path)).toBe(3);
    expect(await cached(path, "--build-arg", "A=2")).toBe(2);
    expect(await cached(path, "--build-arg", "OTHER=2")).toBe(3);
    writeFileSync(join(path, "x"), "2");
    expect(await cached(path)).toBe(1);
    expect(await cached(path, "--no-cache")).toBe(1);
  });

  test("--no-cache-filter: of one stage only", async () => {
    const text =
      "FROM busybox AS one\nRUN echo 1 > /1\nFROM busybox AS two\nCOPY --from=one /1 /1\nRUN echo 2 > /2\n";
    const path = folder({ Dockerfile: text });
    await cached(path);
    const all = await cached(path);
    expect(await cached(path, "--no-cache-filter", "two")).toBeLessThan(all);
  });
});

describe("options", () => {
  const build = (text: string, ...options: readonly string[]) =>
    workspace.runWith({ stdin: text }, "build", "-q", ...options, "-");

  test.each([
    ["--add-host", ["--add-host", "db:10.9.8.7"], "grep -q '10.9.8.7.*db' /etc/hosts"],
    ["--ulimit", ["--ulimit", "nofile=123:456"], 'test "$(ulimit -Sn)" = 123'],
    ["--shm-size", ["--shm-size", "1m"], 'test "$(stat -f -c "%b %S" /dev/shm)" = "256 4096"'],
    ["--network none", ["--network", "none"], 'test "$(ls /sys/class/net)" = lo'],
    ["a build-arg of the environment", ["--build-arg", "FROM_OUTSIDE"], 'test "$FROM_OUTSIDE" = yes'],
  ])("%s", async (_name, options, command) => {
    const text = `FROM busybox\nARG FROM_OUTSIDE\nRUN ${command}\n`;
    const { exitCode, stderr } = await workspace.runWith(
      { stdin: text, env: { FROM_OUTSIDE: "yes" } },
      ...["build", "-q", ...options, "-"],
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  test("--iidfile, --metadata-file, labels and annotations", async () => {
    const [idFile, metadataFile] = [join(directory, "iid"), join(directory, "metadata")];
    const { stdout } = await build(
      "FROM busybox\n",
      "-t",
      "told:1",
      "-t",
      "told:2",
      "--iidfile",
      idFile,
      "--metadata-file",
      metadataFile,
      "--label",
      "a=b",
      "--annotation",
      "c=d",
    );
    expect(readFileSync(idFile, "utf8")).toBe(stdout.trim());
    const metadata = JSON.parse(readFileSync(metadataFile, "utf8"));
    expect(metadata).toMatchObject({
      "containerimage.config.digest": stdout.trim(),
      "image.name": "docker.io/library/told:1,docker.io/library/told:2",
    });
    const image = await workspace.inspect("told:2");
    expect(image.Id).toBe(stdout.trim());
    expect(image.Config.Labels.a).toBe("b");
    const manifest = join(workspace.root, "image/blobs", metadata["containerimage.digest"].replace(":", "/"));
    expect(JSON.parse(readFileSync(manifest, "utf8")).annotations).toEqual({ c: "d" });
  });

  test("the same image at every time, in every time zone", async () => {
    const text = "FROM busybox\nRUN echo x > /x && mkdir /d && touch /d/y\nWORKDIR /w\n";
    const ids = new Set<string>();
    for (const env of [{ TZ: "UTC" }, { TZ: "Asia/Tokyo", HOSTNAME: "other" }]) {
      ids.add((await workspace.runWith({ stdin: text, env }, "build", "-q", "--no-cache", "-")).stdout);
    }
    expect(ids.size).toBe(1);
    const dated = await build(text, "--timestamp", "86400");
    expect((await workspace.inspect(dated.stdout.trim())).Created).toStartWith("1970-01-02T00:00:00");
  });

  test("--verify tells which file came out different, and names nothing", async () => {
    const { exitCode, stderr } = await build(
      "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /chance\n",
      "--verify",
      "-t",
      "chance",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('"/chance": content differs');
    expect((await workspace.run("image", "inspect", "chance")).exitCode).toBe(1);
    expect((await build("FROM busybox\nRUN echo same > /same\n", "--verify", "-t", "same")).exitCode).toBe(0);
  });

  test("--build-context: an image, a folder", async () => {
    const path = folder({ inside: "named\n" });
    const text = "FROM base\nCOPY --from=files inside /inside\n";
    const { exitCode } = await build(
      text,
      "--build-context",
      "base=docker-image://busybox",
      "--build-context",
      `files=${path}`,
      "-t",
      "named",
    );
    expect(exitCode).toBe(0);
    expect(await runOf("named", "cat", "/inside")).toBe("named");
  });

  test("--secret that is asked for and not there", async () => {
    const { stderr } = await build("FROM busybox\nRUN --mount=type=secret,id=s,required=true true\n");
    expect(stderr).toContain("secret s: not found");
  });

  test("--ssh: the agent's socket, for its step alone", async () => {
    const socket = join(directory, "agent.sock");
    const agent: Server = createServer((connection) => connection.end());
    await new Promise<void>((resolve) => agent.listen(socket, resolve));
    try {
      const { exitCode, stderr } = await build(
        'FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\nRUN test -z "$SSH_AUTH_SOCK"\n',
        "--ssh",
        `default=${socket}`,
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    } finally {
      agent.close();
    }
  });

  test("--check: each rule with its place, exit code 1", async () => {
    const { exitCode, stdout } = await workspace.runWith(
      { stdin: "FROM busybox\nMAINTAINER me\n" },
      "build",
      "--check",
      "-",
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain("Check complete, 1 warning has been found!");
    expect(stdout).toContain("   2 | >>> MAINTAINER me");
    expect((await workspace.runWith({ stdin: "FROM busybox\n" }, "build", "--check", "-")).exitCode).toBe(0);
  });

  test("a failure says what, where and why", async () => {
    const { exitCode, stderr, stdout } = await build("FROM busybox\nRUN echo the reason && exit 9\n");
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      "------\n > [2/2] RUN echo the reason && exit 9:\nthe reason\n------\nDockerfile:2\n--------------------\n" +
        "   1 |     FROM busybox\n   2 | >>> RUN echo the reason && exit 9\n--------------------\n" +
        'ERROR: failed to build: failed to solve: process "/bin/sh -c echo the reason && exit 9" did not complete successfully: exit code: 9\n',
    );
    const wrong = await build("FROM busybox\nEXPOSE many\n");
    expect(wrong.stderr).toContain("Dockerfile:2:8\n   2 | EXPOSE many\n     |        ^");
  });

  test("a tag stays where it was when a build of it fails", async () => {
    await build("FROM busybox\nLABEL is=good\n", "-t", "stays");
    await build("FROM busybox\nLABEL is=bad\nRUN false\n", "-t", "stays");
    expect((await workspace.inspect("stays")).Config.Labels.is).toBe("good");
  });
});

describe("outputs", () => {
  const text = "FROM scratch\nCOPY dir /\n";
  const source = () => folder({ Dockerfile: text, "dir/one": "1\n", "dir/sub/two": "2\n" });

  test("a directory: the files belong to who builds; no image is kept", async () => {
    const target = join(directory, "out");
    const before = await workspace.ok("images", "-aq");
    await workspace.ok("build", "-q", "-o", target, source());
    expect(readFileSync(join(target, "sub/two"), "utf8")).toBe("2\n");
    expect(statSync(join(target, "one")).uid).toBe(process.getuid?.() ?? 0);
    expect(await workspace.ok("images", "-aq")).toBe(before);
  });

  test("a tar, in a file and on standard output", async () => {
    const file = join(directory, "out.tar");
    await workspace.ok("build", "-q", "-o", `type=tar,dest=${file}`, source());
    const { stdoutBytes } = await workspace.run("build", "-q", "-o", "-", source());
    expect(namesIn(stdoutBytes).sort()).toEqual(namesIn(readFileSync(file)).sort());
    expect(namesIn(stdoutBytes)).toContain("sub/two");
  });

  test.each(["oci", "docker"])("an archive that skopeo reads: %s", async (format) => {
    const file = join(directory, `${format}.tar`);
    await workspace.ok("build", "-q", "-t", "arch:7", "-o", `type=${format},dest=${file}`, source());
    const seen = Bun.spawnSync(["skopeo", "inspect", "--config", `${format}-archive:${file}`]);
    expect(seen.stderr.toString()).toBe("");
    expect(JSON.parse(seen.stdout.toString()).rootfs.diff_ids.length).toBe(1);
    rmSync(file);
  });

  test("an OCI layout", async () => {
    const target = join(directory, "layout");
    await workspace.ok("build", "-q", "-t", "lay:1", "-o", `type=oci,tar=false,dest=${target}`, source());
    expect(existsSync(join(target, "index.json"))).toBe(true);
  });

  test("the image and files at once", async () => {
    const target = join(directory, "both");
    const id = await workspace.ok("build", "-q", "-t", "both", "-o", target, "-o", "type=image", source());
    expect(existsSync(join(target, "one"))).toBe(true);
    expect((await workspace.inspect("both")).Id).toBe(id);
  });
});

test.each(["standard input", "a server"])("Ctrl-C ends a build that waits for %s", async (what) => {
  const slow = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      const pull = async (to: ReadableStreamDefaultController<Uint8Array>) => {
        to.enqueue(new Uint8Array(16));
        await Bun.sleep(100);
      };
      return new Response(new ReadableStream({ pull }));
    },
  });
  try {
    const context = what === "a server" ? `http://127.0.0.1:${slow.port}/slow` : "-";
    const child = workspace.spawn(["build", "--progress=plain", context]);
    const reader = child.stderr.getReader();
    await reader.read();
    child.kill("SIGINT");
    expect(await child.exited).toBe(1);
    let said = "";
    for (let next = await reader.read(); !next.done; next = await reader.read())
      said += new TextDecoder().decode(next.value);
    expect(said).toContain("ERROR: failed to build: failed to solve: Canceled: context canceled");
    expect(readdirSync(join(workspace.root, "tmp")).filter((name) => name.startsWith("import-"))).toEqual([]);
  } finally {
    slow.stop(true);
  }
});

describe("progress", () => {
  test("rawjson: every line is an object, every vertex ends", async () => {
    const { stderr } = await workspace.runWith(
      { stdin: "FROM busybox\nRUN echo hi\n" },
      "build",
      "--no-cache",
      "--progress=rawjson",
      "-",
    );
    const lines = stderr
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const vertexes = lines.flatMap(({ vertexes = [] }) => vertexes);
    const names = new Set(vertexes.map(({ name }) => name));
    const ended = new Set(vertexes.filter(({ completed }) => completed).map(({ name }) => name));
    expect(ended).toEqual(names);
    expect(names).toContain("[2/2] RUN echo hi");
    const [log] = lines.flatMap(({ logs = [] }) => logs);
    expect(atob(log.data)).toBe("hi\n");
  });

  test("a terminal gets the live list", async () => {
    const path = folder({ Dockerfile: "FROM busybox\nRUN echo seen\n" });
    await using session = workspace.terminal("build", "--no-cache", path);
    expect(await session.exited).toBe(0);
    await session.waitFor("FINISHED");
    await session.waitFor(" => [2/2] RUN echo seen");
  });

  test("one that there is not", async () => {
    const { stderr, exitCode } = await workspace.run("build", "--progress=loud", ".");
    expect(stderr).toContain("invalid progress mode: loud");
    expect(exitCode).toBe(1);
  });
});

describe("caches for other machines", () => {
  const text =
    "FROM busybox AS a\nRUN echo 1 > /1\nRUN echo side > /side\nFROM busybox\nCOPY --from=a /1 /one\nRUN echo 2 > /2\n";
  const build = async (...options: readonly string[]) => {
    const { stderr, exitCode } = await workspace.runWith(
      { stdin: text },
      "build",
      "--progress=plain",
      ...options,
      "-",
    );
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    return { stderr, cached: stderr.split("\n").filter((line) => line.endsWith(" CACHED")).length };
  };
  /** As on another machine: nothing is known of what was built. */
  const forget = () => workspace.ok("builder", "prune", "-a", "-f");

  test("a directory: all steps, or those of the result", async () => {
    const [whole, least] = [join(directory, "cache-max"), join(directory, "cache-min")];
    await build("--cache-to", `type=local,dest=${whole},mode=max`, "--cache-to", `type=local,dest=${least}`);
    await forget();
    expect((await build("--cache-from", `type=local,src=${whole}`)).cached).toBe(6);
    await forget();
    const { cached, stderr } = await build("--cache-from", `type=local,src=${least}`);
    expect(stderr).toContain("2 steps taken over");
    expect(cached).toBeLessThan(6);
    // What was in the directory before is no obstacle.
    await build("--cache-to", `type=local,dest=${whole},mode=max`);
  });

  test("a registry", async () => {
    await using registry = await startRegistry();
    const name = `${registry.host}/cache:main`;
    await build("--cache-to", `type=registry,ref=${name},mode=max`);
    await forget();
    expect((await build("--cache-from", name)).cached).toBe(6);
  });

  test("one that is damaged, or none at all, is told and not used", async () => {
    const place = join(directory, "cache-bad");
    await build("--cache-to", `type=local,dest=${place},mode=max`);
    await forget();
    for (const name of readdirSync(join(place, "blobs/sha256"))) {
      const file = join(place, "blobs/sha256", name);
      const bytes = readFileSync(file);
      if (bytes[0] === 0x1f)
        writeFileSync(file, Buffer.concat([bytes.subarray(0, 20), Buffer.alloc(bytes.length - 20)]));
    }
    const damaged = await build("--cache-from", `type=local,src=${place}`);
    expect(damaged.stderr).toContain(`the cache ${place} is not used: `);
    expect(damaged.cached).toBeLessThan(6);
    await forget();
    const missing = await build("--cache-from", `type=local,src=${directory}/nowhere`);
    expect(missing.stderr).toContain("no such file");
    const image = join(directory, "an-image");
    await workspace.ok(
      "build",
      "-q",
      "-o",
      `type=oci,tar=false,dest=${image}`,
      folder({ Dockerfile: "FROM busybox\n" }),
    );
    expect((await build("--cache-from", `type=local,src=${image}`)).stderr).toContain(
      "no build cache of bocker's",
    );
  });
});

test("--push: every tag goes to its registry", async () => {
  await using registry = await startRegistry();
  const tags = ["1", "2"].map((tag) => `${registry.host}/built:${tag}`);
  const words = tags.flatMap((tag) => ["-t", tag]);
  const built = await workspace.runWith(
    { stdin: "FROM busybox\nLABEL pushed=yes\n" },
    "build",
    "-q",
    "--push",
    ...words,
    "-",
  );
  expect(built).toMatchObject({ exitCode: 0, stderr: "" });
  await workspace.ok("rmi", ...tags);
  await workspace.ok("pull", "-q", tags[1] ?? "");
  expect((await workspace.inspect(tags[1] ?? "")).Id).toBe(built.stdout.trim());
  const bare = await workspace.runWith({ stdin: "FROM busybox\n" }, "build", "--push", "-");
  expect(bare.stderr).toContain("tag is needed when pushing to registry");
});
