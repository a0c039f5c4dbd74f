/**
 * Small manners of docker's that scripts meet, found by the side-by-side script (test/peer): exit codes, empty lines,
 * fields that JSON leaves out.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  await bocker.ok("create", "--name", "made", "-v", "kept:/k", "-v", "/tmp:/t:ro", "busybox", "true");
});
afterAll(() => bocker[Symbol.asyncDispose]());

test("what the engine refuses ends create with 1, what makes no sense with 125", async () => {
  const taken = await bocker.run("create", "--name", "made", "busybox", "true");
  expect(taken).toMatchObject({ exitCode: 1, stdout: "" });
  expect(taken.stderr).toContain('The container name "/made" is already in use');
  expect((await bocker.run("create", "-m", "much", "busybox", "true")).exitCode).toBe(125);
  expect((await bocker.run("run", "--name", "made", "busybox", "true")).exitCode).toBe(125);
  expect((await bocker.run("create", "--cap-add", "NOSUCH", "busybox", "true")).exitCode).toBe(1);
});

test("start names what it could not start once more at the end", async () => {
  expect(await bocker.run("start", "nosuch", "neither")).toMatchObject({
    exitCode: 1,
    stdout: "",
    stderr: [
      "Error: No such container: nosuch",
      "Error: No such container: neither",
      "Error: failed to start containers: nosuch, neither",
      "",
    ].join("\n"),
  });
});

test("a field that JSON leaves out is there for a template of inspect", async () => {
  const text = await bocker.ok(
    "inspect",
    "-f",
    "{{if .State.Health}}checked{{else}}unchecked{{end}} {{.HostConfig.Tmpfs}}{{range .Mounts}} {{.Type}}={{.Name}}{{end}}",
    "made",
  );
  expect(text.split(" ").sort()).toEqual(["bind=", "map[]", "unchecked", "volume=kept"]);
});

test("inspect: an unknown field leaves an empty line and 1, a template that cannot be parsed is 64", async () => {
  expect(await bocker.run("inspect", "-f", "{{.Nosuch}}", "made")).toMatchObject({
    exitCode: 1,
    stdout: "\n",
    stderr:
      'template parsing error: template: :1:2: executing "" at <.Nosuch>: map has no entry for key "Nosuch"\n',
  });
  expect(await bocker.run("inspect", "-f", "{{", "made")).toMatchObject({
    exitCode: 64,
    stdout: "",
    stderr: "template parsing error: template: :1: unclosed action\n",
  });
});

test("inspect: what is not there leaves an empty line of a template, an empty list of JSON", async () => {
  const missing = { exitCode: 1, stderr: "Error: No such object: nosuch\n" };
  expect(await bocker.run("inspect", "-f", "{{.Id}}", "nosuch")).toMatchObject({ ...missing, stdout: "\n" });
  expect(await bocker.run("inspect", "nosuch")).toMatchObject({ ...missing, stdout: "[]\n" });
});

test("ps: an unknown field is an error even when nothing is listed", async () => {
  const { exitCode, stdout, stderr } = await bocker.run("ps", "--format", "{{.Nosuch}}");
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain("can't evaluate field Nosuch in type");
  expect(await bocker.run("ps", "--format", '{{.Names}} {{.Label "x"}}')).toMatchObject({
    exitCode: 0,
    stdout: "",
  });
});

test("run prints the id when only standard input is attached", async () => {
  const { exitCode, stdout } = await bocker.run(
    "run",
    "-a",
    "stdin",
    "--name",
    "fed",
    "busybox",
    "sh",
    "-c",
    "exit 7",
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 7, stdout: `${(await bocker.inspect("fed")).Id}\n` });
});

test("container inspect --size tells sizes", async () => {
  const [plain] = JSON.parse(await bocker.ok("container", "inspect", "made"));
  const [sized] = JSON.parse(await bocker.ok("container", "inspect", "--size", "made"));
  expect(plain.SizeRw).toBeUndefined();
  expect(sized.SizeRootFs).toBeGreaterThan(0);
});

test("run ends with 127 where a file that it names is missing when the container starts", async () => {
  const device = await bocker.run("run", "--rm", "--device", "/dev/nosuch", "busybox", "true");
  expect(device.exitCode).toBe(127);
  expect(device.stderr).toContain('custom device "/dev/nosuch": no such file or directory');
  const mount = "src=kept,dst=/kept,volume-subpath=no/such";
  const part = await bocker.run("run", "--rm", "--mount", mount, "busybox", "true");
  expect(part.exitCode).toBe(127);
  expect(part.stderr).toContain("cannot access path ");
});

test("a bind mount makes its source only with bind-create-src", async () => {
  const source = join(bocker.directory, "not/there");
  const mount = `type=bind,src=${source},dst=/mnt`;
  expect((await bocker.run("run", "--rm", "--mount", mount, "busybox", "true")).exitCode).toBe(125);
  expect(existsSync(source)).toBe(false);
  await bocker.ok("run", "--rm", "--mount", `${mount},bind-create-src`, "busybox", "test", "-d", "/mnt");
  expect(existsSync(source)).toBe(true);
});

test("-e takes away what has no value here, and an empty HOME is none", async () => {
  const words = ["env", "-u", "HOSTNAME", "-u", "NOSUCH", bockerBinary(), "run", "--rm"];
  const child = Bun.spawnSync([...words, "-e", "NOSUCH", "-e", "HOSTNAME", "-e", "HOME=", "busybox", "env"], {
    env: { ...process.env, ...bocker.env },
  });
  const stdout = child.stdout.toString();
  expect(stdout.trimEnd().split("\n").toSorted()).toEqual([
    "HOME=/root",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ]);
});

test.each(["bridge", "host", "none"])("an alias on the network %s is refused", async (network) => {
  const { exitCode, stderr } = await bocker.run(
    "run",
    "--rm",
    "--network",
    network,
    "--network-alias",
    "a1",
    "busybox",
  );
  expect(exitCode).toBe(125);
  expect(stderr).toContain("network-scoped aliases are only supported for user-defined networks");
});

test("ps --filter expose knows what is exposed and not published", async () => {
  await bocker.ok("create", "--name", "shown", "--expose", "8080-8081", "busybox");
  await bocker.ok("create", "--name", "given", "-p", "127.0.0.1::90/udp", "busybox");
  const found = (filter: string) => bocker.ok("ps", "-a", "--filter", filter, "--format", "{{.Names}}");
  expect(await found("expose=8081/tcp")).toBe("shown");
  expect(await found("expose=80-90/udp")).toBe("given");
  expect(await found("expose=8081/udp")).toBe("");
});

test("templates of inspect know the names of docker's structs, and say <nil> for what is not there", async () => {
  const { Id } = await bocker.inspect("made");
  const format = "{{.ID}} {{.HostConfig.DNS}} {{.HostConfig.NanoCPUs}} {{.SizeRw}}";
  expect(await bocker.ok("inspect", "-f", format, "made")).toBe(`${Id} [] 0 <nil>`);
  const [network] = JSON.parse(await bocker.ok("network", "inspect", "bridge"));
  expect(await bocker.ok("network", "inspect", "-f", "{{.ID}}", "bridge")).toBe(network.Id);
});

test.each([
  [["--network", "container:made", "-P"], "port publishing and the container type network mode"],
  [["--network", "container:made", "--expose", "80"], "port exposing and the container type network mode"],
  [["--network", "container:own", "--name", "own"], "cannot join own network namespace"],
  [
    ["--device", "/etc"],
    'error gathering device information while adding custom device "/etc": not a device node',
  ],
])("run %p is refused", async (flags, reason) => {
  const { exitCode, stderr } = await bocker.run("run", "--rm", ...flags, "busybox", "true");
  expect(exitCode).toBe(125);
  expect(stderr).toContain(reason);
});

test("rmi of a blank name", async () => {
  expect(await bocker.run("rmi", " ")).toMatchObject({
    exitCode: 1,
    stderr: "Error: image name cannot be blank\n",
  });
});
