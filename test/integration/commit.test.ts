/** commit, export, import, init: containers and directories to images and tars, honest and hostile. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startRegistry } from "../lib/registry-fixture.ts";
import { makeTar } from "../lib/tar-maker.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
const none = ["--network", "none"] as const;

beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const file = (name: string) => join(bocker.directory, name);

function sh(script: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-ec", script], {
    cwd: bocker.directory,
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`${script}: ${stderr.toString()}`);
  return stdout.toString();
}

/** What a shell in a new container of the image prints. */
const inside = (image: string, script: string) =>
  bocker.ok("run", "--rm", ...none, image, "sh", "-c", script);

const everyKind = [
  "mkdir -p /k/dir && cd /k",
  "echo data > file && chmod 4751 file && ln file hard && ln -s /etc/passwd link",
  "mkfifo fifo && mknod zero c 1 5 && mknod block b 7 300",
  "touch 'a b' && touch \"$(printf 'new\\nline')\" && touch \"$(printf 'bytes\\377')\"",
  "truncate -s 64M sparse && echo end >> sparse && echo begin > tail && truncate -s 32M tail && truncate -s 16M hole",
  "chown 12:34 dir link && chmod 1777 dir && touch -d '1969-12-31 23:59:58' old",
  `touch ${"n".repeat(120)}`,
].join(" && ");
const describeAll =
  "cd /k && find . -exec stat -c '%n %F %a %u:%g %s %t,%T %Y %h' {} + | sort && cat file && readlink link && tail -n 1 sparse && head -n 1 tail";

describe("commit", () => {
  test("every kind of file comes back as it was, and layers of the image stay what they are", async () => {
    await bocker.ok("run", "--name", "kinds", ...none, "busybox", "sh", "-c", everyKind);
    const before = await bocker.ok("commit", "kinds", "kinds:1");
    expect(before).toMatch(/^sha256:[0-9a-f]{64}$/);
    const seen = await inside("kinds:1", describeAll);
    expect(seen).toContain("./sparse regular file 644 0:0 67108868");
    await bocker.ok(
      "run",
      "-d",
      "--name",
      "same",
      ...none,
      "busybox",
      "sh",
      "-c",
      `${everyKind}; ${describeAll}`,
    );
    await bocker.ok("wait", "same");
    const without = (text: string) => text.replace(/ \d{10} /g, " now ");
    expect(without(seen)).toBe(without(await bocker.ok("logs", "same")));
    const layers = async (name: string) => (await bocker.inspect(name)).RootFS.Layers;
    expect((await layers("kinds:1")).slice(0, 1)).toEqual(await layers("busybox"));
    await bocker.ok("rm", "same");
  });

  test("removed, replaced and opaque: the image shows what the container did", async () => {
    const script = "rm /bin/vi; rm -rf /var; mkdir -p /var/new; rm -rf /usr; echo file > /usr; chmod 1777 /";
    await bocker.ok("run", "--name", "gone", ...none, "busybox", "sh", "-c", script);
    await bocker.ok("commit", "gone", "gone");
    const look = "ls /bin/vi; find /var; cat /usr; stat -c %a /";
    const { stdout } = await bocker.run("run", "--rm", ...none, "gone", "sh", "-c", look);
    expect(stdout).toBe("/var\n/var/new\nfile\n1777\n");
  });

  test("config, history, author, message, changes", async () => {
    await bocker.ok(
      "create",
      "--name",
      "conf",
      "-e",
      "A=1",
      "-l",
      "l=m",
      "-w",
      "/tmp",
      "-u",
      "5",
      "busybox",
      "echo",
      "hi",
    );
    await bocker.ok(
      "commit",
      "-a",
      "Me <me@x>",
      "-m",
      "why not",
      "-c",
      "ENV B=2",
      "-c",
      'CMD ["id","-u"]',
      "conf",
      "x/conf",
    );
    const image = await bocker.inspect("x/conf");
    expect(image).toMatchObject({ Author: "Me <me@x>", Comment: "why not", RepoTags: ["x/conf:latest"] });
    expect(image.Config).toMatchObject({ Cmd: ["id", "-u"], User: "5", WorkingDir: "/tmp" });
    expect(image.Config.Env).toEqual(expect.arrayContaining(["A=1", "B=2"]));
    expect(image.Config.Labels).toMatchObject({ l: "m" });
    expect(await bocker.ok("run", "--rm", ...none, "x/conf")).toBe("5");
    const history = await bocker.ok(
      "history",
      "--no-trunc",
      "--format",
      "{{.CreatedBy}}|{{.Size}}|{{.Comment}}",
      "x/conf",
    );
    expect(history.split("\n")[0]).toBe("echo hi|0B|why not");
    expect(image.RootFS.Layers).toEqual((await bocker.inspect("busybox")).RootFS.Layers);
  });

  test("a running container stands still meanwhile, and goes on", async () => {
    await bocker.ok(
      "run",
      "-d",
      "--name",
      "busy",
      ...none,
      "busybox",
      "sh",
      "-c",
      "while :; do echo x >> /x; done",
    );
    await bocker.ok("commit", "busy", "busy:1");
    expect((await bocker.inspect("busy")).State).toMatchObject({ Status: "running", Paused: false });
    const size = async () => Number(await bocker.ok("exec", "busy", "stat", "-c", "%s", "/x"));
    const then = await size();
    while ((await size()) <= then) await Bun.sleep(5);
    await bocker.ok("pause", "busy");
    await bocker.ok("commit", "--pause=false", "busy", "busy:2");
    expect((await bocker.inspect("busy")).State.Status).toBe("paused");
    await bocker.ok("rm", "-f", "busy");
  });

  test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "%s in the middle: the container goes on",
    async (signal) => {
      await bocker.ok(
        "run",
        "-d",
        "--name",
        "cut",
        ...none,
        "busybox",
        "sh",
        "-c",
        "head -c 40000000 /dev/urandom > /big; sleep 1000",
      );
      while (
        (await bocker.run("exec", "cut", "sh", "-c", "test $(stat -c %s /big) = 40000000")).exitCode !== 0
      )
        await Bun.sleep(20);
      const images = await bocker.ok("images", "-aq");
      const child = bocker.spawn(["commit", "cut", "cut:1"]);
      const status = async () => (await bocker.inspect("cut")).State.Status;
      while ((await status()) !== "paused" && child.exitCode === null) await Bun.sleep(1);
      child.kill(signal);
      await child.exited;
      while ((await status()) !== "running") await Bun.sleep(5);
      expect(await bocker.ok("exec", "cut", "echo", "alive")).toBe("alive");
      expect(await bocker.ok("images", "-aq")).toBe(images);
      await bocker.ok("rm", "-f", "cut");
    },
  );

  test("the same changes and SOURCE_DATE_EPOCH give the same image", async () => {
    const env = { SOURCE_DATE_EPOCH: "1000000000" };
    const commit = async () => (await bocker.runWith({ env }, "commit", "kinds")).stdout;
    const id = await commit();
    expect(await commit()).toBe(id);
    expect((await bocker.inspect(id.trim())).Created).toBe("2001-09-09T01:46:40.000Z");
    expect(await inside(id.trim(), "stat -c %Y /k/file")).toBe("1000000000");
  });

  test("--replace wants the name to be taken, and takes the old image away", async () => {
    const refused = await bocker.run("commit", "--replace", "kinds", "x/replaced");
    expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
    expect(refused.stderr).toContain("No such image: x/replaced:latest");
    const old = await bocker.ok("commit", "-m", "old", "kinds", "x/replaced");
    const id = await bocker.ok("commit", "--replace", "-m", "new", "kinds", "x/replaced");
    expect((await bocker.inspect("x/replaced")).Id).toBe(id);
    expect((await bocker.run("inspect", "--type", "image", old)).exitCode).toBe(1);
  });

  test("names that a layer cannot hold are left out, and said", async () => {
    await bocker.ok(
      "run",
      "--name",
      "wh",
      ...none,
      "busybox",
      "sh",
      "-c",
      "cd /bin; touch .wh.sh .wh..wh..opq; mkdir .wh.d; touch .wh.d/x ok",
    );
    const { stderr } = await bocker.run("commit", "wh", "wh");
    expect(stderr.match(/was left out/g)).toHaveLength(3);
    expect(await inside("wh", "ls -A /bin | grep -E 'wh|ok'")).toBe("ok");
  });

  for (const driver of ["vfs"]) {
    test(`with the storage driver ${driver}`, async () => {
      const script = `${everyKind}; rm /bin/vi; rm -rf /var; mkdir -p /var/new; rm -rf /usr; echo file > /usr`;
      const flags = ["--storage-driver", driver] as const;
      await bocker.ok(...flags, "run", "--name", driver, ...none, "busybox", "sh", "-c", script);
      await bocker.ok("commit", driver, driver);
      const without = (text: string) => text.replace(/ \d{10} /g, " now ");
      expect(without(await inside(driver, describeAll))).toBe(without(await inside("kinds:1", describeAll)));
      const look = "ls /bin/vi; find /var; cat /usr";
      const { stdout } = await bocker.run("run", "--rm", ...none, driver, "sh", "-c", look);
      expect(stdout).toBe("/var\n/var/new\nfile\n");
      await bocker.ok(...flags, "create", "--name", `${driver}-same`, "busybox");
      await bocker.ok("commit", `${driver}-same`, "unchanged");
      expect((await bocker.inspect("unchanged")).RootFS.Layers).toHaveLength(1);
    });
  }
});

test("commit, push, pull: the same digests", async () => {
  await using registry = await startRegistry();
  const name = `${registry.host}/kinds:1`;
  const id = await bocker.ok("commit", "kinds", name);
  const layers = (await bocker.inspect(name)).RootFS.Layers;
  const pushed = /digest: (sha256:[0-9a-f]{64})/.exec(await bocker.ok("push", name))?.[1];
  await bocker.ok("rmi", name);
  expect(await bocker.ok("pull", name)).toContain(`Digest: ${pushed}`);
  expect(await bocker.inspect(name)).toMatchObject({ Id: id, RootFS: { Layers: layers } });
  expect(await inside(name, "cat /k/file")).toBe("data");
});

describe("export", () => {
  test("a flat tar of everything, without what is mounted; the same from a file and a pipe", async () => {
    await bocker.ok(
      "run",
      "-d",
      "--name",
      "up",
      "-v",
      "/tmp/none",
      "--tmpfs",
      "/scratch",
      ...none,
      "busybox",
      "sh",
      "-c",
      "echo in > /scratch/x; echo in > /tmp/none/y; echo out > /z; sleep 1000",
    );
    while ((await bocker.run("exec", "up", "test", "-s", "/z")).exitCode !== 0) await Bun.sleep(5);
    const { stdoutBytes, stderr } = await bocker.run("export", "up");
    expect(stderr).toBe("");
    writeFileSync(file("up.tar"), stdoutBytes);
    const names = sh("tar tf up.tar").split("\n");
    for (const name of ["bin/sh", "scratch/", "proc/", "z"]) expect(names).toContain(name);
    expect(names.filter((name) => /^(?:scratch|tmp\/none|proc|sys|dev)\/./.test(name))).toEqual([]);
    await bocker.ok("rm", "-f", "-v", "up");
  });

  test("what export writes, import takes: every kind of file", async () => {
    await bocker.ok("export", "-o", file("kinds.tar"), "kinds");
    await bocker.ok("save", "-c", "kinds", "-o", file("same.tar"));
    expect(readFileSync(file("kinds.tar")).equals(readFileSync(file("same.tar")))).toBe(true);
    await bocker.ok("import", file("kinds.tar"), "kinds:flat");
    expect(await inside("kinds:flat", describeAll)).toBe(await inside("kinds:1", describeAll));
    sh(
      "mkdir flat; tar xf kinds.tar -C flat; test $(stat -c %s flat/k/sparse) = 67108868; test $(stat -c %b flat/k/sparse) -lt 100",
    );
  });

  test("commit to a tar, compressed as its name says", async () => {
    for (const [name, flag] of [
      ["./c.tar", ""],
      ["c.tar.gz", "z"],
      ["c.tar.xz", "J"],
    ] as const) {
      expect(await bocker.ok("commit", "kinds", name)).toBe(name);
      expect(sh(`tar t${flag}f ${name}`)).toContain("\nk/dir/\n");
    }
    const { exitCode, stderr } = await bocker.run("commit", "-m", "x", "kinds", "./d.tar");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("--message is for images");
    expect(existsSync(file("d.tar"))).toBe(false);
  });

  test("a container that swaps its directories for links while it is read gets nothing of the host", async () => {
    mkdirSync(file("host"));
    writeFileSync(file("host/secret"), "the host's secret");
    const target = file("host");
    const swap = `mkdir -p /a /b; while :; do rm -rf /a/t; mkdir -p /a/t; echo own > /a/t/secret; rm -rf /a/t; ln -s ${target} /a/t; ln -sf ${target}/secret /b/secret; rm -f /b/secret; echo own > /b/secret; done`;
    await bocker.ok("run", "-d", "--name", "swap", ...none, "busybox", "sh", "-c", swap);
    for (let round = 0; round < 6; round++) {
      const { exitCode, stdoutBytes } = await bocker.run("export", "swap");
      expect(exitCode).toBe(0);
      expect(Buffer.from(stdoutBytes).includes("the host's secret")).toBe(false);
      expect(Bun.spawnSync(["tar", "t"], { stdin: stdoutBytes, stdout: "ignore" }).exitCode).toBe(0);
    }
    await bocker.ok("commit", "--pause=false", "swap", "swap");
    await bocker.ok("rm", "-f", "swap");
    expect(readFileSync(file("host/secret"), "utf8")).toBe("the host's secret");
  });
});

describe("import and init", () => {
  test("from a file, a pipe, a directory and http; any compression; changes and message", async () => {
    sh(
      "mkdir -p tree/bin; cp /bin/busybox tree/bin/; echo made > tree/made; tar cf tree.tar -C tree .; gzip -k tree.tar; xz -k tree.tar; zstd -q tree.tar; bzip2 -k tree.tar",
    );
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => new Response(Bun.file(file("tree.tar.gz"))),
    });
    const sources = [
      "tree.tar",
      "tree.tar.gz",
      "tree.tar.xz",
      "tree.tar.zst",
      "tree.tar.bz2",
      "tree",
      `${server.url}tree`,
    ];
    for (const source of sources) {
      const id = await bocker.ok(
        "import",
        "-c",
        'CMD ["/bin/busybox","cat","/made"]',
        "-m",
        "mine",
        source,
        "imp:1",
      );
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await bocker.inspect("imp:1")).toMatchObject({ Id: id, Comment: "mine" });
      expect(await bocker.ok("run", "--rm", ...none, "imp:1")).toBe("made");
    }
    const piped = await bocker.runWith({ stdin: readFileSync(file("tree.tar.zst")) }, "import", "-", "imp:2");
    expect(piped).toMatchObject({ exitCode: 0, stderr: "" });
    expect((await bocker.inspect("imp:2")).Comment).toBe("Imported from -");
  });

  test("--platform, buildBase, init", async () => {
    await bocker.ok("import", "--platform", "linux/arm/v7", "tree.tar", "arm");
    expect(await bocker.inspect("arm")).toMatchObject({ Os: "linux", Architecture: "arm" });
    const id = await bocker.ok("buildBase", "tree.tar");
    expect((await bocker.inspect("base")).Id).toBe(id);
    expect(await bocker.ok("init", "tree", "from/dir:3")).toBe("Created: from/dir:3");
    expect(await bocker.ok("run", "--rm", ...none, "from/dir:3", "/bin/busybox", "cat", "/made")).toBe(
      "made",
    );
    const { exitCode, stderr } = await bocker.run("init", "/nonexistent");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("No directory named '/nonexistent' exists");
  });

  test("a directory imported twice is one layer", async () => {
    const env = { SOURCE_DATE_EPOCH: "1" };
    const [first, second] = [
      await bocker.runWith({ env }, "import", "tree"),
      await bocker.runWith({ env }, "import", "tree"),
    ];
    expect(first.stdout).toBe(second.stdout);
  });

  const refused: readonly (readonly [string, () => Buffer, RegExp])[] = [
    ["no tar", () => Buffer.alloc(4096, "noise"), /cannot apply "-": wrong checksum/],
    ["nothing", () => Buffer.alloc(0), /not a tar archive, or an empty one/],
    ["climbing out", () => makeTar({ name: "../../../../tmp/bocker-broke-out", data: "x" }), /breakout/],
    [
      "gzip cut short",
      () =>
        Buffer.from(
          Bun.gzipSync(makeTar({ name: "x", data: crypto.getRandomValues(new Uint8Array(9999)) })),
        ).subarray(0, 5000),
      /gzip stream is damaged/,
    ],
  ];
  for (const [name, make, message] of refused) {
    test(`${name}: refused, and nothing of it stays`, async () => {
      const stored = () => [
        ...readdirSync(join(bocker.root, "image/blobs/sha256")),
        ...readdirSync(join(bocker.root, "layer")),
        ...readdirSync(join(bocker.root, "tmp")).filter((entry) => !entry.endsWith(".lock")),
      ];
      const before = stored();
      const { exitCode, stdout, stderr } = await bocker.runWith({ stdin: make() }, "import", "-", "bad:1");
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
      expect(stderr).toMatch(message);
      expect(stored()).toEqual(before);
      expect(existsSync("/tmp/bocker-broke-out")).toBe(false);
    });
  }

  const lines: readonly (readonly [readonly string[], string])[] = [
    [["import", "/nonexistent"], "open /nonexistent: no such file or directory"],
    [["import", "http://127.0.0.1:1/x"], "127.0.0.1:1"],
    [["import", "-c", "RUN x", "tree.tar"], "run is not a valid change command"],
    [["import", "tree.tar", "Bad"], "must be lowercase"],
    [["commit", "missing"], "No such container: missing"],
    [["commit", "kinds", `a@sha256:${"0".repeat(64)}`], "cannot import digest reference"],
    [["commit", "-c", "EXPOSE x", "kinds"], "invalid containerPort: x"],
    [["export", "missing"], "No such container: missing"],
    [
      ["export", "-o", "/nonexistent/x", "kinds"],
      'invalid output path: directory "/nonexistent" does not exist',
    ],
  ];
  for (const [words, message] of lines) {
    test(words.join(" "), async () => {
      const { exitCode, stderr } = await bocker.run(...words);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(message);
    });
  }
});
