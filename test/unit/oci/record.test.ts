/**
 * The state file read back, the log's two formats, `list`'s neighbours: small pure parts of the OCI runtime.
 */
import { describe, expect, test } from "bun:test";
import { selectProcesses } from "../../../src/oci/command/ps.ts";
import { ociCommands } from "../../../src/oci/command-table.ts";
import { withDefaultDevices } from "../../../src/oci/container-cgroup.ts";
import { type ContainerRecord, parseRecord, renderRecord } from "../../../src/oci/container-record.ts";
import { stateOf } from "../../../src/oci/container-status.ts";
import { processOfOptions } from "../../../src/oci/exec-request.ts";
import { runtimeFeatures } from "../../../src/oci/features.ts";
import { renderLogEntry } from "../../../src/oci/oci-log.ts";
import { type OciOptions, parseOciOptions } from "../../../src/oci/option.ts";
import { withoutUnsetLimits } from "../../../src/oci/set-limits.ts";
import { completeResources, mergeResources, resourcesOfOptions } from "../../../src/oci/update-limits.ts";

const identity = { pid: 7, startTicks: "12", bootId: "b" };
const record: ContainerRecord = {
  version: 1,
  id: "x",
  ociVersion: "1.2.0",
  bundle: "/b",
  rootfs: "/b/rootfs",
  created: "2026-01-01T00:00:00.000000000Z",
  owner: 0,
  creator: identity,
  init: identity,
  ownPids: true,
};

describe("state.json", () => {
  test("comes back as it was", () => {
    expect(parseRecord(renderRecord(record), "f", "x")).toEqual(record);
  });

  test("cut anywhere it is corrupt, and never half a record", () => {
    const text = renderRecord(record).trimEnd();
    for (let length = 0; length < text.length; length++) {
      expect(() => parseRecord(text.slice(0, length), "f", "x")).toThrow('cannot read container state "f"');
    }
  });

  const changes: readonly object[] = [
    { version: 2 },
    { id: "y" },
    { bundle: 1 },
    { creator: undefined },
    { creator: { ...identity, pid: 0 } },
    { creator: { ...identity, pid: 1.5 } },
    { init: { pid: 7 } },
    { init: "7" },
    { ownPids: "yes" },
    { cgroupsPath: 3 },
  ];
  test.each(changes)("with %j it is refused", (change) => {
    expect(() => parseRecord(JSON.stringify({ ...record, ...change }), "f", "x")).toThrow("container state");
  });

  test("a state has the specification's fields, and no pid once stopped", () => {
    expect(stateOf(record, "running")).toMatchObject({
      ociVersion: "1.2.0",
      id: "x",
      pid: 7,
      status: "running",
    });
    expect(stateOf(record, "stopped").pid).toBe(0);
    expect(stateOf({ ...record, annotations: { a: "b" } }, "created").annotations).toEqual({ a: "b" });
  });
});

describe("the log", () => {
  const at = Date.UTC(2026, 10, 21, 12, 17, 38);
  test("is runc's", () => {
    expect(renderLogEntry("text", "error", "container does not exist", at)).toBe(
      'time="2026-11-21T12:17:38Z" level=error msg="container does not exist"',
    );
    expect(renderLogEntry("text", "debug", "plain", at)).toEndWith("msg=plain");
    expect(renderLogEntry("json", "error", 'say "x"', at)).toBe(
      '{"level":"error","msg":"say \\"x\\"","time":"2026-11-21T12:17:38Z"}',
    );
  });
});

describe("ps", () => {
  test("keeps the head and the lines of our pids, wherever the column is", () => {
    const output = "USER   PID CMD\nroot     1 init\nroot    42 sleep 42\nx       43 sh\n";
    expect(selectProcesses(output, new Set([42]))).toEqual(["USER   PID CMD", "root    42 sleep 42"]);
    expect(() => selectProcesses("USER CMD\nroot x\n", new Set())).toThrow("PID column");
  });
});

describe("devices", () => {
  test("are denied but for the default ones, whatever is asked", () => {
    const rules = withDefaultDevices([]);
    expect(rules[0]).toEqual({ allow: false, access: "rwm" });
    expect(rules).toContainEqual({ allow: true, type: "c", major: 1, minor: 3, access: "rwm" });
    const asked = [
      { allow: false, access: "rwm" } as const,
      { allow: true, type: "b", major: 8, minor: 0, access: "r" } as const,
    ];
    expect(withDefaultDevices(asked).slice(0, 2)).toEqual(asked);
  });

  test("all allowed stays all allowed", () => {
    const asked = [{ allow: false }, { allow: true, access: "rwm" }];
    expect(withDefaultDevices(asked)).toEqual(asked);
  });
});

describe("update", () => {
  const options = (...words: string[]): OciOptions =>
    parseOciOptions(ociCommands.update?.options ?? [], words).options;

  test("options become resources", () => {
    expect(
      resourcesOfOptions(
        options("--memory", "100M", "--memory-swap=-1", "--cpu-share", "512", "--cpuset-cpus", "0-1"),
      ),
    ).toEqual({
      memory: { limit: 104857600, swap: -1 },
      cpu: { shares: 512, cpus: "0-1" },
    });
    expect(resourcesOfOptions(options("--pids-limit", "-1", "--blkio-weight", "500"))).toEqual({
      pids: { limit: -1 },
      blockIO: { weight: 500 },
    });
    expect(resourcesOfOptions(options("--cpu-quota", "50000", "--cpu-burst", "20000"))).toEqual({
      cpu: { quota: 50000, burst: 20000 },
    });
    expect(resourcesOfOptions(options())).toEqual({});
  });

  test.each(["1x", "M", "--", "1e3"])("%p is no size", (word) => {
    expect(() => resourcesOfOptions(options(`--memory=${word}`))).toThrow("not a size");
  });

  test("Intel RDT is refused", () => {
    expect(() => resourcesOfOptions(options("--l3-cache-schema", "x"))).toThrow("not supported");
  });

  test("halves of pairs are completed, and what is kept is merged", () => {
    const kept = { memory: { limit: 10 }, cpu: { quota: 5, period: 100, shares: 3 } };
    expect(completeResources(kept, { memory: { swap: 20 } })).toEqual({ memory: { limit: 10, swap: 20 } });
    expect(completeResources(kept, { cpu: { period: 50 } })).toEqual({ cpu: { quota: 5, period: 50 } });
    expect(completeResources(kept, { cpu: { shares: 9 } })).toEqual({ cpu: { shares: 9 } });
    expect(mergeResources(kept, { cpu: { shares: 9 }, pids: { limit: 4 } })).toEqual({
      memory: { limit: 10 },
      cpu: { quota: 5, period: 100, shares: 9 },
      pids: { limit: 4 },
    });
  });

  test("a limit of 0 is none, but for numbers that mean 0", () => {
    const asked = {
      memory: { limit: 0, swappiness: 0 },
      cpu: { period: 0, quota: 0, idle: 0 },
      pids: { limit: 0 },
    };
    expect(withoutUnsetLimits(asked)).toEqual({ memory: { swappiness: 0 }, cpu: { idle: 0 } });
    expect(withoutUnsetLimits({ cpu: { burst: 0, quota: 0 } })).toEqual({ cpu: { burst: 0 } });
    expect(withoutUnsetLimits({ unified: { "memory.max": "0" } })).toEqual({
      unified: { "memory.max": "0" },
    });
  });
});

describe("exec's options", () => {
  const options = (...words: string[]): OciOptions =>
    parseOciOptions(ociCommands.exec?.options ?? [], words).options;
  const base = {
    cwd: "/srv",
    user: { uid: 1, gid: 2, additionalGids: [3] },
    env: ["A=1"],
    terminal: true,
    capabilities: { bounding: ["CAP_CHOWN"] },
  };

  test("change the container's process", () => {
    const asked = options(
      "-e",
      "B=2",
      "-u",
      "5:6",
      "-g",
      "7",
      "--cap",
      "net_admin",
      "--cwd",
      "/x",
      "--no-new-privs",
      "--apparmor",
      "p",
    );
    expect(processOfOptions(base, asked, ["ls"])).toEqual({
      cwd: "/x",
      terminal: false,
      args: ["ls"],
      env: ["A=1", "B=2"],
      user: { uid: 5, gid: 6, additionalGids: [3, 7] },
      capabilities: {
        bounding: ["CAP_CHOWN", "CAP_NET_ADMIN"],
        effective: ["CAP_NET_ADMIN"],
        permitted: ["CAP_NET_ADMIN"],
      },
      apparmorProfile: "p",
      noNewPrivileges: true,
    });
    const inheriting = { ...base, capabilities: { inheritable: ["CAP_KILL"] } };
    expect(processOfOptions(inheriting, asked, ["ls"]).capabilities).toMatchObject({
      inheritable: ["CAP_KILL"],
      ambient: ["CAP_NET_ADMIN"],
    });
    expect(processOfOptions(base, options("-u", "9"), ["ls"]).user).toMatchObject({ uid: 9, gid: 2 });
  });

  test.each([
    [["-e", "B"], "is not NAME=VALUE"],
    [["-u", "root"], "expected numeric ids"],
    [["--cap", "CAP_FLY"], "unknown capability"],
    [["--cwd", "x"], "not an absolute path"],
  ])("%j is refused", (words, message) => {
    expect(() => processOfOptions(base, options(...words), ["ls"])).toThrow(message);
  });

  test("a command is needed", () => {
    expect(() => processOfOptions(base, options(), [])).toThrow("process args cannot be empty");
  });
});

describe("features", () => {
  test("have the specification's fields, sorted and without doubles", () => {
    const features = runtimeFeatures("x64", "1") as {
      mountOptions: string[];
      linux: { seccomp: { archs: string[] } };
    };
    expect(features).toMatchObject({
      ociVersionMin: "1.0.0",
      ociVersionMax: "1.2.0",
      linux: { cgroup: { v1: true, v2: true, systemd: false } },
    });
    expect(features.mountOptions).toEqual([...new Set(features.mountOptions)].sort());
    for (const word of ["ro", "rro", "rbind", "rslave", "tmpcopyup", "noatime"])
      expect(features.mountOptions).toContain(word);
    expect(features.linux.seccomp.archs).toEqual(["SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"]);
  });
});
