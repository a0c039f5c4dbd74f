/**
 * Images from the outside: pull from a real registry, run, list, remove; archives and directories as the image.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeImage, type TestFile } from "../lib/oci-image.ts";
import { type RegistryFixture, startRegistry } from "../lib/registry-fixture.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let registry: RegistryFixture;
const busybox = readFileSync("/bin/busybox");
const program: TestFile[] = [
  { name: "bin" },
  { name: "bin/busybox", content: new Uint8Array(busybox), mode: 0o755 },
  { name: "bin/sh", content: new Uint8Array(busybox), mode: 0o755 },
  { name: "etc" },
  { name: "etc/lower", content: "lower\n" },
  { name: "etc/hidden", content: "hidden\n" },
];
const image = makeImage(
  [
    program,
    [
      { name: "etc/upper", content: "upper\n" },
      { name: "etc/.wh.hidden", content: "" },
    ],
  ],
  {
    config: {
      Cmd: ["/bin/sh", "-c", "/bin/busybox echo from $WHERE"],
      Env: ["WHERE=the-image"],
      WorkingDir: "/etc",
    },
  },
);

beforeAll(async () => {
  bocker = openWorkspace();
  registry = await startRegistry();
  await registry.push("app:1", image);
  await registry.push("app:latest", image);
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await bocker[Symbol.asyncDispose]();
});

const none = ["--rm", "--network", "none"] as const;

describe("from a registry", () => {
  test("pull says what docker says; the digest is the registry's", async () => {
    const { exitCode, stdout, stderr } = await bocker.run("pull", `${registry.host}/app:1`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(`Digest: ${image.manifest.descriptor.digest}`);
    expect(stdout).toContain(`Status: Downloaded newer image for ${registry.host}/app:1`);
    expect(stdout).toEndWith(`${registry.host}/app:1\n`);
    const again = await bocker.run("pull", `${registry.host}/app:1`);
    expect(again.stdout).toContain(`Status: Image is up to date for ${registry.host}/app:1`);
  });

  test("run pulls what is missing, then uses the image's command, environment and directory", async () => {
    const { exitCode, stdout, stderr } = await bocker.run("run", ...none, `${registry.host}/app`);
    expect(stderr).toContain(`Unable to find image '${registry.host}/app:latest' locally`);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "from the-image\n" });
    const second = await bocker.run(
      "run",
      ...none,
      `${registry.host}/app`,
      "/bin/sh",
      "-c",
      "/bin/busybox pwd",
    );
    expect(second).toMatchObject({ stdout: "/etc\n", stderr: "" });
  });

  test("whiteouts hide, upper layers add", async () => {
    const { stdout } = await bocker.run(
      "run",
      ...none,
      `${registry.host}/app:1`,
      "/bin/busybox",
      "ls",
      "/etc",
    );
    const names = stdout.trim().split("\n");
    expect(names).toContain("lower");
    expect(names).toContain("upper");
    expect(names).not.toContain("hidden");
    expect(names.filter((name) => name.startsWith(".wh"))).toEqual([]);
  });

  test("by digest", async () => {
    const reference = `${registry.host}/app@${image.manifest.descriptor.digest}`;
    expect((await bocker.run("run", ...none, reference)).stdout).toBe("from the-image\n");
  });

  test("a tag that is not there: 125 for run, 1 for pull, and no image is made", async () => {
    const run = await bocker.run("run", ...none, `${registry.host}/app:9`);
    expect(run.exitCode).toBe(125);
    expect(run.stderr).toMatch(/manifest.*(unknown|not found)/);
    expect((await bocker.run("pull", `${registry.host}/app:9`)).exitCode).toBe(1);
    expect(await bocker.ok("images", "-q", `${registry.host}/app:9`)).toBe("");
  });

  test("an image that skopeo copied in: Debian's busybox in docker's formats", async () => {
    const archive = join(bocker.directory, "oci");
    mkdirSync(archive);
    const source = `docker://${registry.host}/app:1`;
    for (const format of ["v2s2", "oci"]) {
      const target = `docker://${registry.host}/copied:${format}`;
      const copied = Bun.spawnSync(
        [
          "skopeo",
          "copy",
          "--src-tls-verify=false",
          "--dest-tls-verify=false",
          "--format",
          format,
          source,
          target,
        ],
        { stderr: "pipe" },
      );
      expect(copied.stderr.toString()).toBe("");
      expect((await bocker.run("run", ...none, `${registry.host}/copied:${format}`)).stdout).toBe(
        "from the-image\n",
      );
    }
  });
});

describe("images and rmi", () => {
  test("columns are docker's", async () => {
    await bocker.ok("pull", `${registry.host}/app:1`);
    const [head = "", ...rows] = (await bocker.ok("images")).split("\n");
    expect(head).toMatch(/^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE$/);
    const row = rows.find((line) => line.startsWith(`${registry.host}/app `) && / 1 /.test(line));
    expect(row).toMatch(/^localhost:\d+\/app +1 +[0-9a-f]{12} +.+ ago +[\d.]+[kM]?B$/);
    expect(row).toContain(image.config.descriptor.digest.slice("sha256:".length, "sha256:".length + 12));
  });

  test("rmi untags, then deletes; in use it refuses", async () => {
    await bocker.ok("pull", `${registry.host}/app:1`);
    const name = `${registry.host}/app:1`;
    await bocker.ok("create", "--name", "user", name);
    const refused = await bocker.run("rmi", image.config.descriptor.digest.slice(7, 19));
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/conflict: unable to (delete|remove)/);
    await bocker.ok("rm", "user");
    const { stdout, exitCode } = await bocker.run("rmi", "-f", image.config.descriptor.digest.slice(7, 19));
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Untagged: ${name}`);
    expect(stdout).toContain(`Deleted: ${image.config.descriptor.digest}`);
    expect(await bocker.ok("images", "-q", `${registry.host}/app`)).toBe("");
  });
});

describe("not from a registry", () => {
  test("the embedded busybox needs nothing", async () => {
    const { stdout, stderr } = await bocker.run("run", ...none, "busybox", "busybox");
    expect(stdout).toStartWith("BusyBox v");
    expect(stderr).toBe("");
  });

  for (const [suffix, flags] of [
    ["tar", "-cf"],
    ["tar.gz", "-czf"],
  ] as const) {
    test(`a .${suffix} of a root file system`, async () => {
      const rootfs = join(bocker.directory, `tree-${suffix}`);
      mkdirSync(join(rootfs, "bin"), { recursive: true });
      cpSync("/bin/busybox", join(rootfs, "bin/busybox"));
      const archive = join(bocker.directory, `root.${suffix}`);
      Bun.spawnSync(["tar", "-C", rootfs, flags, archive, "."]);
      expect((await bocker.run("run", ...none, archive, "/bin/busybox", "echo", "hi")).stdout).toBe("hi\n");
    });
  }

  test("a directory, which is not written to", async () => {
    const rootfs = join(bocker.directory, "tree");
    mkdirSync(join(rootfs, "bin"), { recursive: true });
    cpSync("/bin/busybox", join(rootfs, "bin/busybox"));
    const { stdout } = await bocker.run(
      "run",
      ...none,
      rootfs,
      "/bin/busybox",
      "sh",
      "-c",
      "echo new > /new; /bin/busybox cat /new",
    );
    expect(stdout).toBe("new\n");
    expect([...new Bun.Glob("*").scanSync({ cwd: rootfs, onlyFiles: false })]).toEqual(["bin"]);
  });

  test("an image layout that skopeo wrote", async () => {
    const layout = join(bocker.directory, "layout");
    const copied = Bun.spawnSync(
      [
        "skopeo",
        "copy",
        "--src-tls-verify=false",
        `docker://${registry.host}/app:1`,
        `oci-archive:${layout}.tar:app`,
      ],
      { stderr: "pipe" },
    );
    expect(copied.stderr.toString()).toBe("");
    expect((await bocker.run("run", ...none, `${layout}.tar`)).stdout).toBe("from the-image\n");
  });
});
