/**
 * Small manners of docker's that scripts meet, found by the side-by-side script (test/peer): exit codes, empty lines,
 * fields that JSON leaves out.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
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
