/**
 * docker's refusals about containers: one clear line, exit code 1 (125 from run, 126 and 127 where exec has them), nothing
 * on standard output, and everything as it was.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let ids: { readonly up: string; readonly made: string; readonly auto: string };
beforeAll(async () => {
  bocker = openWorkspace();
  const bound = join(bocker.directory, "bound");
  mkdirSync(bound);
  const make = (...words: readonly string[]) => bocker.ok("create", "--network", "none", ...words);
  ids = {
    up: await bocker.ok("run", "-d", "--network", "none", "--name", "up", "busybox", "sleep", "1000"),
    made: await make("--name", "made", "--read-only", "-v", `${bound}:/own:ro`, "busybox", "true"),
    auto: await make("--name", "auto", "--rm", "busybox", "true"),
  };
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** `$up`, `$made`, `$auto` stand for ids. */
type Refusal = readonly [words: string, says: string, exitCode?: number];

const containers: readonly Refusal[] = [
  ["start nope", "Error: No such container: nope"],
  [
    "rm up",
    'Error: cannot remove container "/up": container is running: stop the container before removing or force remove',
  ],
  ["rm nope", "Error: No such container: nope"],
  [
    "rename made up",
    'Error: Error when allocating new name: Conflict. The container name "/up" is already in use by container "$up". You have to remove (or rename) that container to be able to reuse that name.',
  ],
  ["rename made made", "Error: Renaming a container with the same name as its current name"],
  ["rename made -bad", "unknown shorthand flag: 'b' in -bad", 125],
  [
    "rename made b@d",
    "Error: Error when allocating new name: Invalid container name (b@d), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
  ],
  ["rename nope other", "Error: No such container: nope"],
  ["attach made", "Error: You cannot attach to a stopped container, start it first"],
  ["attach nope", "Error: No such container: nope"],
  [
    "update --restart always auto",
    "Error: Cannot update container $auto: Restart policy cannot be updated because AutoRemove is enabled for the container",
  ],
  ["update made", "Error: you must provide one or more flags when using this command"],
  ["update -m 1m made", "Error: Minimum memory limit allowed is 6MB"],
  [
    "update --restart often made",
    "Error: invalid restart policy: unknown policy 'often'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
  ["kill made", "Error: cannot kill container: made: container $made is not running"],
  ["kill -s FOO up", "Error: cannot kill container: up: invalid signal: FOO"],
  ["kill -s 0 up", "Error: cannot kill container: up: invalid signal: 0"],
  ["kill nope", "Error: cannot kill container: nope: No such container: nope"],
  ["stop -s FOO up", "Error: invalid signal: FOO"],
  ["stop nope", "Error: No such container: nope"],
  ["restart nope", "Error: No such container: nope"],
  ["pause made", "Error: container $made is not running"],
  ["unpause up", "Error: Container $up is not paused"],
  ["wait nope", "Error: No such container: nope"],
  ["top made", "Error: container $made is not running"],
  ["port up 80", "Error: No public port '80' published for up"],
  ["logs nope", "Error: No such container: nope"],
  ["diff nope", "Error: No such container: nope"],
  ["stats nope", "Error: No such container: nope"],
  ["export nope", "Error: No such container: nope"],
  ["commit nope", "Error: No such container: nope"],
];

const files: readonly Refusal[] = [
  ["cp /etc/passwd made:/x", "Error: container rootfs is marked read-only"],
  ["cp /etc/passwd made:/own/", "Error: mounted volume is marked read-only"],
  ["cp up:/nope .", "Error: Could not find the file /nope in container up"],
  ["cp /no/such up:/", "Error: lstat /no/such: no such file or directory"],
  ["cp /etc/passwd nope:/", "Error: No such container: nope"],
  ["cp here there", "Error: must specify at least one container source"],
  ["cp up:/etc made:/etc", "Error: copying between containers is not supported"],
  ["cp up:/etc/passwd /no/such/x", 'Error: invalid output path: directory "/no/such" does not exist'],
  ["cp /etc up:/etc/passwd", "Error: cannot copy directory"],
];

const processes: readonly Refusal[] = [
  ["exec made true", "Error: container $made is not running"],
  ["exec nope true", "Error: No such container: nope"],
  ["exec up", "bocker: 'bocker exec' requires at least 2 arguments"],
  ["exec -u nosuch up true", "Error: unable to find user nosuch: no matching entries in passwd file", 126],
  [
    "exec up nosuch",
    'Error: OCI runtime exec failed: exec failed: unable to start container process: exec: "nosuch": executable file not found in $PATH',
    127,
  ],
  [
    "exec up /etc",
    'Error: OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc": is a directory',
    126,
  ],
];

const lists: readonly Refusal[] = [
  ["ps --filter colour=red", "Error: invalid filter 'colour'"],
  [
    "ps --filter colour",
    'invalid argument "colour" for "-f, --filter" flag: bad format of filter (expected name=value)',
    125,
  ],
  ["ps --filter status=asleep", "Error: invalid filter 'status=asleep'"],
  ["ps --filter exited=x", "Error: invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax"],
  ["ps --filter health=fine", "Error: invalid filter 'health=fine'"],
  ["images --filter colour=red", "Error: invalid filter 'colour'"],
  ["volume ls --filter colour=red", "Error: invalid filter 'colour'"],
  [
    "ps --format {{.Colour}}",
    'bocker: failed to execute template: template: :1:2: executing "" at <.Colour>: can\'t evaluate field Colour in type *formatter.ContainerContext',
  ],
  ["ps --format {{.Names", "bocker: failed to parse template: template: :1: unclosed action"],
  [
    "ps --format {{colour.Names}}",
    'bocker: failed to parse template: template: :1: function "colour" not defined',
  ],
  [
    "inspect -f {{.State.Colour}} up",
    'template parsing error: template: :1:8: executing "" at <.State.Colour>: map has no entry for key "Colour"',
  ],
  [
    "events --format {{.Colour}}",
    'bocker: Error parsing format: template: :1:2: executing "" at <.Colour>: can\'t evaluate field Colour in type *events.Message',
    64,
  ],
  ["inspect --type colour up", 'bocker: "colour" is not a valid value for --type'],
  [
    "events --since colour",
    'bocker: invalid value for "since": failed to parse value as time or duration: "colour"',
  ],
];

const runs: readonly Refusal[] = [
  [
    "run --rm --restart always busybox",
    "bocker: conflicting options: cannot specify both --restart and --rm",
    125,
  ],
  ["run -d -a stdout busybox", "conflicting options: cannot specify both --attach and --detach", 1],
  [
    "create --restart sometimes busybox",
    "bocker: invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    1,
  ],
  [
    "run --restart sometimes busybox",
    "bocker: invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    125,
  ],
  [
    "create --restart on-failure:x busybox",
    "bocker: invalid restart policy format: maximum retry count must be an integer",
    125,
  ],
  ["create --memory 1k busybox", "bocker: Minimum memory limit allowed is 6MB", 1],
  [
    "create --memory-swappiness 101 busybox",
    "bocker: Invalid value: 101, valid memory swappiness range is 0-100",
    125,
  ],
  [
    "create --name a/b busybox",
    "bocker: Invalid container name (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed",
    1,
  ],
  ["create --stop-signal BAD busybox", "bocker: invalid signal: BAD", 1],
  ["create --log-opt nope=1 busybox", "bocker: unknown log opt 'nope' for json-file log driver", 1],
  ["create -v a:/b:c:d busybox", "bocker: invalid volume specification: 'a:/b:c:d'", 1],
  ["create --security-opt nope busybox", 'bocker: Invalid --security-opt: "nope"', 125],
  ["create -d busybox", "unknown shorthand flag: 'd' in -d", 125],
  ["create --sig-proxy busybox", "unknown flag: --sig-proxy", 125],
  [
    "run --sysctl kernel.panic=1 busybox",
    'invalid argument "kernel.panic=1" for "--sysctl" flag: sysctl \'kernel.panic=1\' is not allowed',
    125,
  ],
  [
    "run --network host --sysctl net.ipv4.ip_forward=1 busybox true",
    'bocker: sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    125,
  ],
  [
    "run -v /tmp:/proc busybox true",
    'bocker: error mounting "/tmp" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc',
    125,
  ],
  [
    "run --tmpfs /proc busybox true",
    'bocker: error mounting "tmpfs" to rootfs at "/proc": "/proc" cannot be mounted because it is not of type proc',
    125,
  ],
  [
    "run -v /tmp:/proc/sys busybox true",
    'bocker: error mounting "/tmp" to rootfs at "/proc/sys": "/proc/sys" cannot be mounted because it is inside /proc',
    125,
  ],
  [
    "run -v /tmp:/ busybox true",
    "bocker: invalid volume specification: '/tmp:/': invalid specification: destination can't be '/'",
    125,
  ],
  ["run --stop-signal FOO busybox true", "bocker: invalid signal: FOO", 125],
  [
    "run --name up busybox true",
    'bocker: Conflict. The container name "/up" is already in use by container "$up". You have to remove (or rename) that container to be able to reuse that name.',
    125,
  ],
];

for (const [title, refusals] of Object.entries({ containers, files, processes, lists, runs })) {
  describe(title, () => {
    for (const [words, says, exitCode = 1] of refusals) {
      test(words, async () => {
        const outcome = await bocker.run(...words.split(" "));
        const line = Object.entries(ids).reduce((text, [name, id]) => text.replaceAll(`$${name}`, id), says);
        expect(outcome.stderr.split("\n")[0]).toBe(line);
        // docker ends what a template has printed with a newline, even where that is nothing.
        const stdout = words.startsWith("inspect -f {{.State") ? "\n" : "";
        expect([outcome.exitCode, outcome.stdout]).toEqual([exitCode, stdout]);
        const left = await bocker.ok("ps", "-a", "--format", "{{.Names}} {{.State}}");
        expect(left.replace(/^(?!(up|made|auto) ).*\n?/gm, "")).toBe(
          "auto created\nmade created\nup running",
        );
      });
    }
  });
}

describe("accepted, as docker accepts it", () => {
  test("start of a running container", async () => expect(await bocker.ok("start", "up")).toBe("up"));

  test("limits that are none", async () => {
    const id = await bocker.ok("create", "--pids-limit", "-5", "busybox", "true");
    expect((await bocker.inspect(id)).HostConfig.PidsLimit).toBe(-1);
    await bocker.ok("rm", id);
  });

  test("--oom-kill-disable without a limit, and a loopback name server: a warning each", async () => {
    const flags = ["--network", "none", "--oom-kill-disable", "--dns", "127.0.0.1"];
    const { exitCode, stderr } = await bocker.run("create", "--name", "warned", ...flags, "busybox", "true");
    expect([exitCode, stderr]).toEqual([
      0,
      "WARNING: Disabling the OOM killer on containers without setting a '-m/--memory' limit may be dangerous.\n" +
        "WARNING: Localhost DNS setting (--dns=127.0.0.1) may fail in containers.\n",
    ]);
    await bocker.ok("rm", "warned");
  });

  test("a stop signal that does not exist: stop kills", async () => {
    const flags = ["--network", "none", "--stop-signal", "99", "--name", "odd"];
    await bocker.ok("run", "-d", ...flags, "busybox", "sleep", "1000");
    await bocker.ok("stop", "odd");
    const { State, Config } = await bocker.inspect("odd");
    expect([State.ExitCode, Config.StopSignal]).toEqual([137, "99"]);
    await bocker.ok("rm", "odd");
  });

  test("a bind of the host's /proc over /proc", async () => {
    const words = ["--rm", "--network", "none", "-v", "/proc:/proc", "busybox", "echo", "ok"];
    expect(await bocker.ok("run", ...words)).toBe("ok");
  });
});

test("inspect says to what the client was attached", async () => {
  const attached = async (name: string) => {
    const { Config } = await bocker.inspect(name);
    return [Config.AttachStdin, Config.AttachStdout, Config.AttachStderr, Config.StdinOnce];
  };
  const flags = ["--network", "none", "--name", "seen"];
  const cases: readonly (readonly [readonly string[], readonly boolean[]])[] = [
    [
      ["run", "-d", "-i"],
      [false, false, false, false],
    ],
    [
      ["run", "-i"],
      [true, true, true, true],
    ],
    [
      ["run", "-a", "stderr"],
      [false, false, true, false],
    ],
    [["create"], [false, true, true, false]],
    [
      ["create", "-i"],
      [true, true, true, true],
    ],
  ];
  for (const [words, expected] of cases) {
    await bocker.ok(...words, ...flags, "busybox", "true");
    expect(await attached("seen")).toEqual([...expected]);
    await bocker.ok("rm", "-f", "seen");
  }
});

test("without CAP_SYS_ADMIN: what is missing, and no copy of the image is made first", () => {
  const drop = ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"];
  const run = (...words: readonly string[]) =>
    Bun.spawnSync([...drop, process.env.BOCKER_BINARY ?? join(process.cwd(), "dist/bocker"), ...words], {
      env: { ...bocker.env },
    });
  const started = run("run", "--rm", "--network", "none", "busybox", "true");
  expect(started.exitCode).toBe(125);
  expect(started.stderr.toString()).toContain("hint: mounting needs CAP_SYS_ADMIN: run as root with it");
  const joined = run("exec", "up", "true");
  expect(joined.stderr.toString()).toContain(
    "hint: joining namespaces needs CAP_SYS_ADMIN: run as root with it",
  );
  expect(joined.exitCode).toBe(126);
});
