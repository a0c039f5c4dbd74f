/** The whole spec: one golden file for a plain container, then what each option changes in it. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { ContainerConfig, MountConfig } from "../../../src/config/container-config.ts";
import { buildSpec, type ResolvedContainer } from "../../../src/spec/build-spec.ts";
import { plainConfig, plainResolved } from "./container-fixture.ts";

const image = { Cmd: ["sh"], Env: ["PATH=/bin"] };

function specOf(asked: Partial<ContainerConfig> = {}, found: Partial<ResolvedContainer> = {}) {
  return buildSpec({ config: { ...plainConfig, ...asked }, image, resolved: { ...plainResolved, ...found } });
}

function mountAt(
  destination: string,
  asked: Partial<ContainerConfig>,
  found: Partial<ResolvedContainer> = {},
) {
  return specOf(asked, found).mounts?.filter((mount) => mount.destination === destination);
}

const typesOf = (asked: Partial<ContainerConfig>, found: Partial<ResolvedContainer> = {}) =>
  specOf(asked, found).linux?.namespaces?.map(({ type, path }) => (path ? `${type}=${path}` : type));

test("a plain container is docker's", async () => {
  const golden = Bun.file(join(import.meta.dir, "../../golden/spec-plain.json"));
  expect(specOf()).toEqual(await golden.json());
});

describe("process", () => {
  test("a terminal with its size and TERM", () => {
    const { process } = specOf({ tty: true }, { consoleSize: { height: 24, width: 80 } });
    expect(process?.terminal).toBe(true);
    expect(process?.consoleSize).toEqual({ height: 24, width: 80 });
    expect(process?.env).toContain("TERM=xterm");
  });

  test("another user holds no capabilities and gets its home", () => {
    const user = { uid: 1000, gid: 1000, additionalGids: [1000], home: "/home/a" };
    const { process } = specOf({}, { user });
    expect(process?.capabilities?.effective).toEqual([]);
    expect(process?.capabilities?.bounding).toHaveLength(14);
    expect(process?.env).toContain("HOME=/home/a");
    expect(process?.user).toEqual({ uid: 1000, gid: 1000, additionalGids: [1000] });
  });

  test("ulimits, oom score, no-new-privileges", () => {
    const { process } = specOf({
      ulimits: [{ name: "nofile", soft: 1024, hard: 2048 }],
      oomScoreAdj: -500,
      securityOpt: ["no-new-privileges"],
    });
    expect(process?.rlimits).toEqual([{ type: "RLIMIT_NOFILE", soft: 1024, hard: 2048 }]);
    expect(process?.oomScoreAdj).toBe(-500);
    expect(process?.noNewPrivileges).toBe(true);
  });

  test("--init is the launcher's: the words stay the command's own", () => {
    expect(specOf({ init: true }).process?.args).toEqual(["sh"]);
  });
});

describe("--privileged", () => {
  const hostDevices = [{ type: "b", path: "/dev/sda", major: 8, minor: 0 }] as const;

  test("opens everything, within the bounding set", () => {
    const { linux, process } = specOf(
      { privileged: true },
      { hostDevices, boundingCapabilities: 0x1fffeffffffn },
    );
    expect(process?.capabilities?.bounding).toHaveLength(40);
    expect(linux?.maskedPaths).toEqual([]);
    expect(linux?.readonlyPaths).toEqual([]);
    expect(linux?.seccomp).toBeUndefined();
    expect(linux?.resources?.devices).toEqual([{ allow: true, access: "rwm" }]);
    expect(linux?.devices).toEqual([...hostDevices]);
  });

  test("/sys and the cgroups become writable, /proc always was", () => {
    for (const path of ["/sys", "/sys/fs/cgroup", "/proc"]) {
      expect(mountAt(path, { privileged: true })?.[0]?.options).toContain("rw");
      expect(mountAt(path, { privileged: true })?.[0]?.options).not.toContain("ro");
    }
  });
});

describe("mounts", () => {
  const bind = (target: string, more: Partial<Extract<MountConfig, { type: "bind" }>> = {}): MountConfig => ({
    type: "bind",
    source: "/src",
    target,
    readOnly: false,
    createSource: true,
    recursive: true,
    ...more,
  });

  test.each([
    [{}, ["rbind", "rprivate"]],
    [{ readOnly: true }, ["rbind", "rro", "rprivate"]],
    [{ recursive: false }, ["bind", "rprivate"]],
    [{ propagation: "rshared" as const }, ["rbind", "rshared"]],
  ])("bind %j", (more, options) => {
    expect(mountAt("/data", { mounts: [bind("/data", more)] })).toEqual([
      { destination: "/data", type: "bind", source: "/src", options },
    ]);
  });

  test("parents come before children, whatever the order of flags", () => {
    const mounts = [bind("/a/b/c"), bind("/a"), bind("/a/b")];
    const destinations = specOf({ mounts }, { files: {} }).mounts?.map(({ destination }) => destination);
    expect(destinations?.slice(-3)).toEqual(["/a", "/a/b", "/a/b/c"]);
  });

  test("a user's mount replaces a default, and one on /dev all below it", () => {
    expect(mountAt("/proc", { mounts: [bind("/proc")] })?.map(({ type }) => type)).toEqual(["bind"]);
    const destinations = specOf({ mounts: [bind("/dev")] }).mounts?.map(({ destination }) => destination);
    expect(destinations?.filter((path) => path.startsWith("/dev"))).toEqual(["/dev"]);
  });

  test("a user's /etc/hosts replaces the engine's", () => {
    expect(mountAt("/etc/hosts", { mounts: [bind("/etc/hosts")] })?.map(({ source }) => source)).toEqual([
      "/src",
    ]);
  });

  test("--read-only makes the root and the engine's files read-only", () => {
    expect(specOf({ readOnly: true }).root).toEqual({ path: "/rootfs", readonly: true });
    expect(mountAt("/etc/resolv.conf", { readOnly: true })?.[0]?.options).toEqual([
      "rbind",
      "rro",
      "rprivate",
    ]);
    expect(mountAt("/dev", { readOnly: true })?.[0]?.options).toContain("rw");
  });

  test("volumes are found by target, those the image declares too", () => {
    const mounts: MountConfig[] = [
      { type: "volume", name: "v", target: "/data", readOnly: true, copy: true },
    ];
    const found = { volumes: { "/data": "/vol/v/_data", "/var/lib/db/": "/vol/anon/_data" } };
    expect(mountAt("/data", { mounts }, found)?.[0]).toMatchObject({
      source: "/vol/v/_data",
      options: ["rbind", "rro", "rprivate"],
    });
    expect(mountAt("/var/lib/db", { mounts }, found)?.[0]?.source).toBe("/vol/anon/_data");
    expect(() => specOf({ mounts })).toThrow("was not made");
  });

  test.each([
    [[], ["noexec", "nosuid", "nodev", "rprivate"]],
    [
      ["exec", "size=64m"],
      ["nosuid", "nodev", "rprivate", "exec", "size=64m"],
    ],
    [
      ["size=1m", "size=2m", "ro", "rw"],
      ["noexec", "nosuid", "nodev", "rprivate", "size=2m", "rw"],
    ],
  ])("tmpfs %j", (options, expected) => {
    expect(mountAt("/t", { mounts: [{ type: "tmpfs", target: "/t", options }] })).toEqual([
      { destination: "/t", type: "tmpfs", source: "tmpfs", options: expected },
    ]);
  });

  test.each([
    [[{ type: "tmpfs", target: "/t", options: ["sizee=1"] }], 'Invalid tmpfs option ["sizee=1"]'],
    [[bind("data")], "invalid mount path: 'data' mount path must be absolute"],
    [[bind("/")], "destination can't be '/'"],
    [[bind("/a/..")], "destination can't be '/'"],
  ] as const)("%j is refused", (mounts, message) => {
    expect(() => specOf({ mounts })).toThrow(message);
  });

  test("shared and slave mounts need a root that passes them on", () => {
    const propagation = (word: "shared" | "rslave" | "private") =>
      specOf({ mounts: [bind("/a", { propagation: word })] }).linux?.rootfsPropagation;
    expect([propagation("shared"), propagation("rslave"), propagation("private")]).toEqual([
      "shared",
      "slave",
      undefined,
    ]);
  });
});

describe("namespaces", () => {
  test.each([
    [{ pidMode: "host" }, ["mount", "network", "uts", "ipc", "cgroup"]],
    [{ utsMode: "host" }, ["mount", "network", "pid", "ipc", "cgroup"]],
    [{ ipcMode: "shareable" }, ["mount", "network", "uts", "pid", "ipc", "cgroup"]],
    [{ networks: [{ name: "host", aliases: [] }] }, ["mount", "uts", "pid", "ipc", "cgroup"]],
    [{ networks: [{ name: "none", aliases: [] }] }, ["mount", "network", "uts", "pid", "ipc", "cgroup"]],
  ])("%j", (asked, types) => {
    expect(typesOf(asked)).toEqual(types);
  });

  test("joining another container's", () => {
    const asked = { networks: [{ name: "container:web", aliases: [] }], pidMode: "container:web" };
    const namespaces = { network: "/proc/7/ns/net", pid: "/proc/7/ns/pid" };
    expect(typesOf(asked, { namespaces })).toEqual([
      "mount",
      "network=/proc/7/ns/net",
      "uts",
      "pid=/proc/7/ns/pid",
      "ipc",
      "cgroup",
    ]);
    expect(() => typesOf(asked)).toThrow('cannot join the network namespace of "web"');
  });

  test.each([
    [{ pidMode: "hosts" }, "invalid PID mode: hosts"],
    [{ ipcMode: "container:" }, "invalid IPC mode: container:"],
    [{ utsMode: "container:x" }, "invalid UTS mode: container:x"],
  ])("%j is refused", (asked, message) => {
    expect(() => specOf(asked)).toThrow(message);
  });

  test("the hostname is not set in the host's UTS namespace", () => {
    expect(specOf({ utsMode: "host" }).hostname).toBeUndefined();
    expect(specOf({ domainname: "example.org" }).domainname).toBe("example.org");
  });

  test("--ipc none has no /dev/shm, --ipc host the host's", () => {
    expect(mountAt("/dev/shm", { ipcMode: "none" })).toEqual([]);
    expect(mountAt("/dev/shm", { ipcMode: "host" }, { sharedMemory: "/dev/shm" })).toEqual([
      { destination: "/dev/shm", type: "bind", source: "/dev/shm", options: ["rbind", "rprivate"] },
    ]);
    expect(mountAt("/dev/shm", { shmSizeBytes: 1024 })?.[0]?.options).toContain("size=1024");
  });
});

describe("sysctls", () => {
  test("the network's only where the namespace is the container's, the user's win", () => {
    expect(specOf({ networks: [{ name: "host", aliases: [] }] }).linux?.sysctl).toEqual({});
    const sysctls = { "net.ipv4.ip_unprivileged_port_start": "1024", "kernel.msgmax": "1" };
    expect(specOf({ sysctls }).linux?.sysctl).toEqual({
      "net.ipv4.ping_group_range": "0 2147483647",
      ...sysctls,
    });
  });

  test("the host's network is not the container's to set", () => {
    const networks = [{ name: "host", aliases: [] }];
    expect(() => specOf({ networks, sysctls: { "net.core.somaxconn": "9" } })).toThrow(
      'sysctl "net.core.somaxconn" not allowed in host network namespace',
    );
  });
});

describe("security options", () => {
  test("systempaths=unconfined shows everything, more paths can be hidden", () => {
    expect(specOf({ securityOpt: ["systempaths=unconfined"] }).linux?.maskedPaths).toEqual([]);
    const path = "/sys/devices/system/cpu/cpu0/thermal_throttle";
    expect(specOf({}, { maskedPaths: [path] }).linux?.maskedPaths?.at(-1)).toBe(path);
  });

  test("writable-cgroups and the AppArmor profile", () => {
    expect(mountAt("/sys/fs/cgroup", { securityOpt: ["writable-cgroups=true"] })?.[0]?.options?.[0]).toBe(
      "rw",
    );
    expect(specOf({}, { apparmorProfile: "mine" }).process?.apparmorProfile).toBe("mine");
    expect(specOf({}).process?.apparmorProfile).toBeUndefined();
  });

  test("mask hides more, unmask less", () => {
    const linuxOf = (...securityOpt: string[]) => specOf({ securityOpt }).linux;
    expect(linuxOf("mask=/opt:/srv")?.maskedPaths?.slice(-2)).toEqual(["/opt", "/srv"]);
    expect(linuxOf("unmask=/proc/kcore")?.maskedPaths).not.toContain("/proc/kcore");
    expect(linuxOf("unmask=/proc/kcore")?.maskedPaths).toContain("/proc/keys");
    const some = linuxOf("unmask=/proc/*");
    expect([some?.maskedPaths, some?.readonlyPaths]).toEqual([
      ["/sys/firmware", "/sys/devices/virtual/powercap"],
      [],
    ]);
    const none = linuxOf("unmask=ALL", "mask=/opt");
    expect([none?.maskedPaths, none?.readonlyPaths]).toEqual([["/opt"], []]);
    expect(linuxOf("unmask=/proc/sys")?.readonlyPaths).not.toContain("/proc/sys");
    expect(specOf({ privileged: true, securityOpt: ["mask=/opt"] }).linux?.maskedPaths).toEqual(["/opt"]);
  });

  test("options of /proc come after the usual ones, and are known", () => {
    const options = (securityOpt: string) => mountAt("/proc", { securityOpt: [securityOpt] })?.[0]?.options;
    expect(options("proc-opts=hidepid=2,exec")).toEqual([
      "rw",
      "nosuid",
      "noexec",
      "nodev",
      "hidepid=2",
      "exec",
    ]);
    expect(specOf({ securityOpt: ["proc-opts=subset=pid"] }).linux?.sysctl).toEqual({});
    expect(() => options("proc-opts=bind")).toThrow('invalid --security-opt: "proc-opts=bind"');
  });

  test("a user namespace: maps, its namespace, mapped files and volumes, no range of groups that ping", () => {
    const maps = [{ containerID: 0, hostID: 100000, size: 65536 }];
    const idMaps = { uidMappings: maps, gidMappings: maps };
    const mounts = [
      { type: "volume", name: "v", target: "/v", readOnly: false, copy: true },
      { type: "bind", source: "/h", target: "/h", readOnly: false, createSource: true, recursive: true },
    ] as const;
    const spec = specOf({ idMaps, mounts }, { volumes: { "/v": "/volumes/v" } });
    expect(spec.linux?.uidMappings).toEqual(maps);
    expect(spec.linux?.namespaces).toContainEqual({ type: "user" });
    expect(Object.keys(spec.linux?.sysctl ?? {})).toEqual(["net.ipv4.ip_unprivileged_port_start"]);
    const optionsOf = (target: string) =>
      spec.mounts?.find(({ destination }) => destination === target)?.options ?? [];
    expect(["/v", "/etc/hosts", "/h"].map((target) => optionsOf(target).includes("idmap"))).toEqual([
      true,
      true,
      false,
    ]);
    const same = [{ containerID: 0, hostID: 0, size: 1000 }];
    const kept = specOf({ idMaps: { uidMappings: same, gidMappings: same } });
    expect(kept.mounts?.some(({ options }) => options?.includes("idmap"))).toBe(false);
  });

  test.each(["nonsense", "seccomp", "no-new-privileges=perhaps", "systempaths=confined", "apparmor="])(
    "%p is refused",
    (word) => {
      expect(() => specOf({ securityOpt: [word] })).toThrow(`invalid --security-opt: "${word}"`);
    },
  );

  test("labels are refused, not dropped", () => {
    expect(() => specOf({ securityOpt: ["label=type:x_t"] })).toThrow("bocker sets no SELinux labels");
    expect(() => specOf({ securityOpt: ["label=disable"] })).not.toThrow();
  });
});

test("--device adds a node and a rule", () => {
  const device = {
    type: "c",
    path: "/dev/fuse",
    major: 10,
    minor: 229,
    fileMode: 0o666,
    uid: 0,
    gid: 0,
  } as const;
  const { linux } = specOf({}, { devices: [{ device, access: "rw" }] });
  expect(linux?.devices).toEqual([device]);
  expect(linux?.resources?.devices?.at(-1)).toEqual({
    allow: true,
    type: "c",
    major: 10,
    minor: 229,
    access: "rw",
  });
});

test("--device-cgroup-rule allows more, and nothing more to who may all", () => {
  const rulesOf = (config: Partial<ContainerConfig>) => specOf(config).linux?.resources?.devices ?? [];
  expect(rulesOf({ deviceRules: ["c 10:* rwm", "b 8:1 r", "a *:* m"] }).slice(-3)).toEqual([
    { allow: true, type: "c", major: 10, access: "rwm" },
    { allow: true, type: "b", major: 8, minor: 1, access: "r" },
    { allow: true, type: "a", access: "m" },
  ]);
  expect(rulesOf({ privileged: true, deviceRules: ["c 1:1 r"] })).toHaveLength(1);
});

test("--device elsewhere is a node too, and the host's own in a user namespace", () => {
  const device = { type: "c", path: "/dev/mine", major: 10, minor: 229 } as const;
  const devices = [{ device, access: "rw", hostPath: "/dev/fuse" }];
  const maps = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const mapped = specOf({ idMaps: { uidMappings: maps, gidMappings: maps } }, { devices });
  expect(specOf({}, { devices }).linux?.devices).toEqual([device]);
  expect(mapped.linux?.devices).toEqual([]);
  expect(mapped.mounts?.at(-1)).toMatchObject({ destination: "/dev/mine", source: "/dev/fuse" });
  expect(mapped.linux?.resources?.devices?.at(-1)).toMatchObject({ major: 10, minor: 229, allow: true });
});
