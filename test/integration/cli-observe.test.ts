/** Looking at what is there and what happens: diff, stats, events, network ls and inspect. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const isolated = ["--network", "none"] as const;

describe("diff", () => {
  test("nothing for one that has done nothing", async () => {
    const id = await bocker.ok("create", ...isolated, "busybox");
    expect(await bocker.ok("diff", id)).toBe("");
    await bocker.ok("rm", id);
  });

  test("added, changed and deleted, each directory once", async () => {
    const script = [
      "mkdir /new && echo x > /new/file",
      "rm /etc/passwd && echo x >> /etc/group",
      "chmod 700 /var",
      "rm -r /home",
      "ln -s /nowhere /dangling",
    ];
    await bocker.ok("run", ...isolated, "--name", "changed", "busybox", "sh", "-c", script.join("; "));
    expect((await bocker.ok("diff", "changed")).split("\n")).toEqual([
      "A /dangling",
      "C /etc",
      "C /etc/group",
      "D /etc/passwd",
      "D /home",
      "A /new",
      "A /new/file",
      "C /var",
    ]);
    await bocker.ok("rm", "changed");
  });

  test("a directory made anew hides what was in it", async () => {
    const script = "rm -r /etc 2>/dev/null; rm -r /var/spool; mkdir /var/spool; rm -r /root; mkdir /root";
    await bocker.run("run", ...isolated, "--name", "anew", "busybox", "sh", "-c", script);
    const lines = (await bocker.ok("diff", "anew")).split("\n");
    expect(lines).toContain("C /root");
    expect(lines).toContain("D /etc/passwd");
    await bocker.ok("rm", "anew");
  });

  test("the same with a driver that keeps whole copies", async () => {
    const flags = [...isolated, "--storage-driver", "vfs", "--name", "copied"];
    const script = "mkdir /new; echo x > /new/file; rm /etc/passwd";
    await bocker.ok("run", ...flags, "busybox", "sh", "-c", script);
    expect((await bocker.ok("diff", "copied")).split("\n")).toEqual([
      "C /etc",
      "D /etc/passwd",
      "A /new",
      "A /new/file",
    ]);
    await bocker.ok("rm", "copied");
  });

  test("of nothing", async () => {
    const { exitCode, stderr } = await bocker.run("diff", "absent");
    expect([exitCode, stderr]).toEqual([1, "Error: No such container: absent\n"]);
  });
});

describe("stats", () => {
  test("docker's columns; memory against its limit; zeros for what does not run", async () => {
    await bocker.ok(
      "run",
      "-d",
      ...isolated,
      "-m",
      "32m",
      "--name",
      "busy",
      "busybox",
      "sh",
      "-c",
      "while :; do :; done",
    );
    await bocker.ok("create", "--name", "idle", "busybox");
    const [head = "", ...rows] = (await bocker.ok("stats", "--no-stream", "-a")).split("\n");
    expect(head).toMatch(
      /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/,
    );
    const rowOf = (name: string) => rows.find((row) => row.includes(` ${name} `)) ?? "";
    expect(rowOf("idle")).toMatch(/^[0-9a-f]{12} +idle +0\.00% +0B \/ 0B +0\.00% +0B \/ 0B +0B \/ 0B +0$/);
    expect(rowOf("busy")).toMatch(/ +[\d.]+% +[\d.]+[KM]iB \/ 32MiB +[\d.]+% +0B \/ 0B +\S+ \/ \S+ +1$/);
    const busy = JSON.parse(await bocker.ok("stats", "--no-stream", "--format", "json", "busy"));
    expect(Number.parseFloat(busy.CPUPerc)).toBeGreaterThan(1);
    expect([busy.Container, busy.Name, busy.PIDs]).toEqual(["busy", "busy", "1"]);
    const table = ["--format", "table {{.Name}}\t{{.PIDs}}"];
    expect(await bocker.ok("stats", "--no-stream", ...table)).toBe("NAME      PIDS\nbusy      1");
    await bocker.ok("rm", "-f", "busy", "idle");
  });

  test("on a terminal each frame is drawn over the last", async () => {
    await bocker.ok("run", "-d", ...isolated, "--name", "shown", "busybox", "sleep", "100");
    const terminal = bocker.terminal("stats");
    await terminal.waitFor(/PIDS[\s\S]*PIDS/);
    terminal.kill("SIGKILL");
    await terminal.exited;
    expect(terminal.screen.startsWith("\x1b[2J\x1b[H")).toBe(true);
    expect(terminal.screen).toContain("PIDS\x1b[K");
    expect(terminal.screen).toContain("\x1b[J\x1b[H");
    await bocker.ok("rm", "-f", "shown");
  });

  test("of nothing", async () => {
    const { exitCode, stderr } = await bocker.run("stats", "--no-stream", "absent");
    expect([exitCode, stderr]).toEqual([1, "Error: No such container: absent\n"]);
  });
});

describe("events", () => {
  const since = () => String(Date.now() / 1000);

  test("a life, in order, with docker's attributes", async () => {
    const start = since();
    const id = await bocker.ok(
      "create",
      ...isolated,
      "--label",
      "team=web",
      "--name",
      "lived",
      "busybox",
      "sleep",
      "100",
    );
    await bocker.ok("start", "lived");
    await bocker.ok("rename", "lived", "renamed");
    await bocker.ok("pause", "renamed");
    await bocker.ok("unpause", "renamed");
    await bocker.ok("stop", "-t", "0", "renamed");
    await bocker.ok("rm", "renamed");
    const text = await bocker.ok("events", "--since", start, "--until", since());
    const lines = text.split("\n").filter((line) => line.includes(` ${id} `));
    const about = lines.map((line) =>
      line
        .replace(/^\S+ container /, "")
        .replace(`${id} `, "")
        .replace(/execDuration=\d+/, "execDuration=N"),
    );
    expect(about).toEqual([
      "create (image=busybox, name=lived, team=web)",
      "start (image=busybox, name=lived, team=web)",
      "rename (image=busybox, name=renamed, oldName=/lived, team=web)",
      "pause (image=busybox, name=renamed, team=web)",
      "unpause (image=busybox, name=renamed, team=web)",
      "kill (image=busybox, name=renamed, signal=15, team=web)",
      "kill (image=busybox, name=renamed, signal=9, team=web)",
      "die (execDuration=N, exitCode=137, image=busybox, name=renamed, team=web)",
      "stop (image=busybox, name=renamed, team=web)",
      "destroy (image=busybox, name=renamed, team=web)",
    ]);
    expect(lines[0]).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}(Z|[+-]\d{2}:\d{2}) /);
  });

  test("filters and formats", async () => {
    const start = since();
    await bocker.ok("run", "--rm", ...isolated, "--name", "short", "busybox", "sh", "-c", "exit 0");
    await bocker.ok("volume", "create", "told");
    await bocker.ok("volume", "rm", "told");
    const list = (...words: readonly string[]) =>
      bocker.ok("events", "--since", start, "--until", since(), ...words);
    expect(await list("-f", "type=volume", "--format", "{{.Action}} {{.Actor.ID}}")).toBe(
      "create told\ndestroy told",
    );
    expect(
      await list("-f", "container=short", "-f", "event=die", "--format", "{{.Actor.Attributes.exitCode}}"),
    ).toBe("0");
    expect((await list("-f", "image=busybox", "--format", "{{.Action}}")).split("\n")).toEqual([
      "create",
      "attach",
      "start",
      "die",
      "destroy",
    ]);
    const die = JSON.parse(await list("-f", "event=die", "--format", "json"));
    expect(die).toMatchObject({
      status: "die",
      from: "busybox",
      Type: "container",
      Action: "die",
      scope: "local",
    });
    expect(die.timeNano).toBeGreaterThan(die.time * 999_999_999);
    expect(die.Actor.Attributes).toEqual({
      execDuration: expect.stringMatching(/^\d+$/),
      exitCode: "0",
      image: "busybox",
      name: "short",
    });
    expect((await bocker.run("events", "-f", "x=y")).stderr).toContain("invalid filter 'x'");
  });

  test("of exec, with its exit code", async () => {
    await bocker.ok("run", "-d", ...isolated, "--name", "entered", "busybox", "sleep", "100");
    const start = since();
    await bocker.run("exec", "entered", "sh", "-c", "exit 3");
    const window = ["--since", start, "--until", since(), "-f", "container=entered"];
    const format = ["--format", "{{.Action}} {{.Actor.Attributes.exitCode}}"];
    expect(await bocker.ok("events", ...window, ...format)).toBe(
      "exec_create: sh -c exit 3 <no value>\nexec_start: sh -c exit 3 <no value>\nexec_die 3",
    );
    expect(
      (await bocker.ok("events", ...window, "-f", "event=exec_start", ...format)).split("\n").length,
    ).toBe(1);
    await bocker.ok("rm", "-f", "entered");
  });

  test("ends by itself at --until", async () => {
    const until = String(Date.now() / 1000 + 0.3);
    expect(await bocker.ok("events", "--until", until, "-f", "container=nobody")).toBe("");
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(Number(until));
  });

  test("follows what happens in other processes", async () => {
    const child = bocker.spawn([
      "events",
      "--since",
      since(),
      "--format",
      "{{.Action}} {{.Actor.Attributes.name}}",
    ]);
    const reader = child.stdout.getReader();
    await bocker.ok("run", "--rm", ...isolated, "--name", "followed", "busybox", "true");
    let seen = "";
    while (!seen.includes("destroy followed\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      seen += new TextDecoder().decode(value);
    }
    child.kill();
    await child.exited;
    expect(seen).toBe("create followed\nattach followed\nstart followed\ndie followed\ndestroy followed\n");
  });

  test("a monitor that was killed leaves one die, told by who finds out", async () => {
    const start = since();
    await bocker.ok("run", "-d", ...isolated, "--name", "orphan", "busybox", "sleep", "100");
    const { State } = await bocker.inspect("orphan");
    process.kill(State.Pid, "SIGKILL");
    await bocker.ok("wait", "orphan");
    await bocker.ok("ps", "-a");
    const dies = await bocker.ok(
      "events",
      "--since",
      start,
      "--until",
      since(),
      "-f",
      "event=die",
      "--format",
      "{{.Action}}",
    );
    expect(dies).toBe("die");
    await bocker.ok("rm", "orphan");
  });
});

describe("networks", () => {
  test("ls shows the default one from the first", async () => {
    expect(await bocker.ok("network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}")).toBe(
      "bridge bridge local\nhost host local\nnone null local",
    );
    expect(await bocker.ok("network", "ls")).toMatch(
      /^NETWORK ID +NAME +DRIVER +SCOPE\n[0-9a-f]{12} +bridge +bridge +local\n/,
    );
    expect(await bocker.ok("network", "ls", "-f", "driver=null", "--format", "{{.Name}}")).toBe("none");
    expect(await bocker.ok("network", "ls", "-q", "--no-trunc")).toMatch(/^([0-9a-f]{64}\n?){3}$/);
  });

  test("inspect has the addresses, and the containers that run in it", async () => {
    const id = await bocker.ok("run", "-d", "--name", "member", "busybox", "sleep", "100");
    const [network] = JSON.parse(await bocker.ok("network", "inspect", "bridge"));
    expect(network).toMatchObject({
      Name: "bridge",
      Driver: "bridge",
      Scope: "local",
      IPAM: { Config: [{ Subnet: `${bocker.subnetPrefix}.0/24`, Gateway: `${bocker.subnetPrefix}.1` }] },
      Internal: false,
    });
    const { NetworkSettings } = await bocker.inspect("member");
    const address = NetworkSettings.Networks.bridge.IPAddress;
    expect(network.Containers).toEqual({
      [id]: {
        Name: "member",
        EndpointID: NetworkSettings.Networks.bridge.EndpointID,
        MacAddress: NetworkSettings.Networks.bridge.MacAddress,
        IPv4Address: `${address}/24`,
        IPv6Address: "",
      },
    });
    await bocker.ok("rm", "-f", "member");
    expect(JSON.parse(await bocker.ok("network", "inspect", "bridge"))[0].Containers).toEqual({});
    expect(await bocker.inspect("bridge")).toMatchObject({ Name: "bridge", Id: network.Id });
    const missing = await bocker.run("network", "inspect", "nope");
    expect([missing.exitCode, missing.stdout, missing.stderr]).toEqual([
      1,
      "[]\n",
      "Error: network nope not found\n",
    ]);
  });
});

describe("inspect of one kind", () => {
  test("does not find the others", async () => {
    await bocker.ok("create", "--name", "only", "busybox");
    const failure = async (...words: readonly string[]) => {
      const { exitCode, stdout, stderr } = await bocker.run(...words);
      return [exitCode, stdout, stderr];
    };
    expect(await failure("image", "inspect", "only")).toEqual([1, "[]\n", "Error: No such image: only\n"]);
    expect(await failure("container", "inspect", "busybox")).toEqual([
      1,
      "[]\n",
      "Error: No such container: busybox\n",
    ]);
    expect(await bocker.ok("image", "inspect", "-f", "{{index .RepoTags 0}}", "busybox")).toBe(
      "busybox:latest",
    );
    expect(await bocker.ok("container", "inspect", "-f", "{{.Name}}", "only")).toBe("/only");
    expect((await bocker.run("inspect", "--type", "pod", "only")).stderr).toContain(
      '"pod" is not a valid value for --type',
    );
    await bocker.ok("rm", "only");
  });

  test("--size counts what was written", async () => {
    await bocker.ok(
      "run",
      ...isolated,
      "--name",
      "sized",
      "busybox",
      "sh",
      "-c",
      "head -c 5000 /dev/zero > /x",
    );
    const sizes = await bocker.ok("inspect", "-s", "-f", "{{.SizeRw}} {{.SizeRootFs}}", "sized");
    const [written = 0, whole = 0] = sizes.split(" ").map(Number);
    expect(written).toBe(5000);
    expect(whole).toBeGreaterThan(500_000);
    expect(await bocker.inspect("sized")).not.toHaveProperty("SizeRw");
    await bocker.ok("rm", "sized");
  });
});
