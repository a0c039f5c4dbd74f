/**
 * Every option is a flag, a TOML key and a part of ContainerConfig, and none of the three can drift from the others.
 */
import { describe, expect, test } from "bun:test";
import { parseRunArguments, runCommandOptions } from "../../../src/cli/run-arguments.ts";
import type { ContainerConfig } from "../../../src/config/container-config.ts";
import { parseContainerToml } from "../../../src/config/container-toml.ts";
import { renderContainerToml } from "../../../src/config/render-container-toml.ts";
import { resolveRunRequest } from "../../../src/config/resolve-config.ts";
import { runOptions, tomlOptions } from "../../../src/config/run-options.ts";
import { memoryHost } from "./option-host.ts";

const host = memoryHost(
  { "/home/me/env": "A=from file\nB\n# c\n", "/home/me/labels": "a=1\nb\n", "/home/me/p.json": "{}" },
  { B: "host's" },
);

async function configOf(...argv: string[]): Promise<ContainerConfig> {
  return (await parseRunArguments([...argv, "busybox"], host)).config;
}

/** Other forms of values that read back as they were. */
const otherForms: readonly (readonly string[])[] = [
  ["--health-cmd", '["CMD", "wget", "-q"]'],
  ["--health-cmd", '["a b"]'],
  ["--health-cmd", '["CMD-SHELL", "exit 1"]'],
  ["--health-cmd", "none"],
  ["--entrypoint", '["sh", "-c"]'],
  ["--entrypoint", "["],
];
for (const flags of otherForms) {
  test(flags.join(" "), async () => {
    const config = await configOf(...flags);
    expect(reparse(renderContainerToml(config))).toEqual(config);
  });
}

function reparse(toml: string): ContainerConfig {
  return resolveRunRequest([parseContainerToml(toml, "c.toml", host)], host).config;
}

/** For each option: flags that give it a value that is no default, and the same in TOML. */
const samples: Record<string, { readonly flags: readonly string[]; readonly toml: string }> = {
  image: { flags: ["--image", "alpine:3"], toml: 'image = "alpine:3"\ncommand = ["busybox"]' },
  command: { flags: ["busybox", "sh", "-c", "a  b"], toml: "command = \"sh -c 'a  b' busybox\"" },
  entrypoint: { flags: ["--entrypoint", "/bin/sh"], toml: 'entrypoint = "/bin/sh"' },
  name: { flags: ["--name", "web.1"], toml: 'name = "web.1"' },
  "env-file": { flags: ["--env-file", "env"], toml: 'env-file = ["env"]' },
  env: { flags: ["-e", "A=1", "-e", "B", "-e", "NOT_SET"], toml: 'env = ["A=1", "B", "NOT_SET"]' },
  workdir: { flags: ["-w", "/srv"], toml: 'workdir = "/srv"' },
  user: { flags: ["-u", "nobody:7"], toml: 'user = "nobody:7"' },
  "group-add": { flags: ["--group-add", "audio", "--group-add", "12"], toml: 'group-add = ["audio", "12"]' },
  hostname: { flags: ["-h", "box"], toml: 'hostname = "box"' },
  domainname: { flags: ["--domainname", "example.org"], toml: 'domainname = "example.org"' },
  "label-file": { flags: ["--label-file", "labels"], toml: 'label-file = "labels"' },
  label: {
    flags: ["-l", "a=1", "-l", "b", "-l", "c.d=x=y"],
    toml: '[label]\na = "1"\nb = ""\n"c.d" = "x=y"',
  },
  annotation: { flags: ["--annotation", "a=1"], toml: "annotation = { a = 1 }" },
  interactive: { flags: ["-i"], toml: "interactive = true" },
  tty: { flags: ["-t"], toml: "tty = true" },
  rm: { flags: ["--rm"], toml: "rm = true" },
  restart: { flags: ["--restart", "on-failure:3"], toml: 'restart = "on-failure:3"' },
  init: { flags: ["--init"], toml: "init = true" },
  "stop-signal": { flags: ["--stop-signal", "SIGINT"], toml: 'stop-signal = "SIGINT"' },
  "stop-timeout": { flags: ["--stop-timeout", "3"], toml: "stop-timeout = 3" },
  unsetenv: { flags: ["--unsetenv", "A", "--unsetenv", "B"], toml: 'unsetenv = ["A", "B"]' },
  "unsetenv-all": { flags: ["--unsetenv-all"], toml: "unsetenv-all = true" },
  "kernel-memory-tcp": { flags: ["--kernel-memory-tcp", "50m"], toml: 'kernel-memory-tcp = "50m"' },
  "storage-opt": { flags: ["--storage-opt", "size=10g"], toml: 'storage-opt = ["size=10g"]' },
  "blkio-weight": { flags: ["--blkio-weight", "300"], toml: "blkio-weight = 300" },
  "blkio-weight-device": {
    flags: ["--blkio-weight-device", "/dev/sda:500"],
    toml: 'blkio-weight-device = ["/dev/sda:500"]',
  },
  "device-read-bps": {
    flags: ["--device-read-bps", "/dev/sda:1mb", "--device-read-bps", "/dev/sdb:0"],
    toml: 'device-read-bps = ["/dev/sda:1mb", "/dev/sdb:0"]',
  },
  "device-read-iops": {
    flags: ["--device-read-iops", "/dev/sda:100"],
    toml: 'device-read-iops = ["/dev/sda:100"]',
  },
  "device-write-bps": {
    flags: ["--device-write-bps", "/dev/sda:2m"],
    toml: 'device-write-bps = ["/dev/sda:2m"]',
  },
  "device-write-iops": {
    flags: ["--device-write-iops", "/dev/sda:7"],
    toml: 'device-write-iops = ["/dev/sda:7"]',
  },
  "cpu-rt-period": { flags: ["--cpu-rt-period", "1000000"], toml: "cpu-rt-period = 1000000" },
  "cpu-rt-runtime": { flags: ["--cpu-rt-runtime", "9000"], toml: "cpu-rt-runtime = 9000" },
  cgroupns: { flags: ["--cgroupns", "host"], toml: 'cgroupns = "host"' },
  "cgroup-conf": {
    flags: ["--cgroup-conf", "memory.high=33554432", "--cgroup-conf", "pids.max=9"],
    toml: '[cgroup-conf]\n"memory.high" = "33554432"\n"pids.max" = "9"',
  },
  secret: {
    flags: ["--secret", "db", "--secret", "db,type=env,target=PW", "--secret", "x,target=/y,uid=3,mode=0400"],
    toml: 'secret = ["db", "db,type=env,target=PW", "x,target=/y,uid=3,mode=0400"]',
  },
  rootfs: { flags: ["--rootfs"], toml: 'rootfs = true\nimage = "/home/me/busybox"' },
  umask: { flags: ["--umask", "27"], toml: 'umask = "0027"' },
  tz: { flags: ["--tz", "Europe/Paris"], toml: 'tz = "Europe/Paris"' },
  pidfile: { flags: ["--pidfile", "/run/x.pid"], toml: 'pidfile = "/run/x.pid"' },
  "volumes-from": {
    flags: ["--volumes-from", "a", "--volumes-from", "b:ro"],
    toml: 'volumes-from = ["a", "b:ro"]',
  },
  volume: {
    flags: [
      "-v",
      "./x:/a:ro",
      "-v",
      "data:/b:nocopy",
      "-v",
      "/c",
      "-v",
      "/h:/d:rshared",
      "-v",
      "user:/u:U",
      "-v",
      "/h:/v:ro,U",
    ],
    toml: 'volume = ["./x:/a:ro", "data:/b:nocopy", "/c", "/h:/d:rshared", "user:/u:U", "/h:/v:ro,U"]',
  },
  mount: {
    flags: ["--mount", "type=bind,src=/s,dst=/a,bind-recursive=disabled", "--mount", '"dst=/b,c",readonly'],
    toml: "mount = ['type=bind,src=/s,dst=/a,bind-recursive=disabled', '\"dst=/b,c\",readonly']",
  },
  tmpfs: {
    flags: ["--tmpfs", "/run:size=1m,exec", "--tmpfs", "/t"],
    toml: 'tmpfs = ["/run:size=1m,exec", "/t"]',
  },
  "read-only": { flags: ["--read-only"], toml: "read-only = true" },
  "shm-size": { flags: ["--shm-size", "1g"], toml: 'shm-size = "1g"' },
  "device-cgroup-rule": {
    flags: ["--device-cgroup-rule", "c 10:* rwm"],
    toml: 'device-cgroup-rule = ["c 10:* rwm"]',
  },
  gpus: { flags: ["--gpus", "all"], toml: 'gpus = ["all"]' },
  "storage-driver": { flags: ["-s", "vfs"], toml: 'storage-driver = "vfs"' },
  device: { flags: ["--device", "/dev/null:/dev/x:rw"], toml: 'device = ["/dev/null:/dev/x:rw"]' },
  network: {
    flags: [
      "--network",
      "web",
      "--network",
      "name=db,alias=a,alias=b,link=one:uno,link=two:two,ip=10.0.0.9,ip6=fd00::9,mac-address=02:00:00:00:00:01,gw-priority=-2,driver-opt=com.docker.network.endpoint.ifname=lan0",
    ],
    toml: 'network = ["web", "name=db,alias=a,alias=b,link=one:uno,link=two:two,ip=10.0.0.9,ip6=fd00::9,mac-address=02:00:00:00:00:01,gw-priority=-2,driver-opt=com.docker.network.endpoint.ifname=lan0"]',
  },
  publish: {
    flags: ["-p", "8080:80", "-p", "[::1]:53:53/udp", "-p", "9", "-p", "1-3:4-6", "-p", "70-79:7"],
    toml: 'publish = ["8080:80", "[::1]:53:53/udp", "9", "1-3:4-6", "70-79:7"]',
  },
  "publish-all": { flags: ["-P"], toml: "publish-all = true" },
  expose: { flags: ["--expose", "80", "--expose", "53/udp"], toml: 'expose = ["80", "53/udp"]' },
  "no-hosts": { flags: ["--no-hosts"], toml: "no-hosts = true" },
  dns: { flags: ["--dns", "1.1.1.1", "--dns", "::1"], toml: 'dns = ["1.1.1.1", "::1"]' },
  "dns-search": { flags: ["--dns-search", "a.example"], toml: 'dns-search = "a.example"' },
  "dns-option": { flags: ["--dns-opt", "ndots:2"], toml: 'dns-option = ["ndots:2"]' },
  "add-host": {
    flags: ["--add-host", "a=::1", "--add-host", "b:host-gateway"],
    toml: 'add-host = ["a:::1", "b:host-gateway"]',
  },
  memory: { flags: ["-m", "64m"], toml: "memory = 67108864" },
  "memory-reservation": { flags: ["--memory-reservation", "32m"], toml: 'memory-reservation = "32m"' },
  "memory-swap": { flags: ["--memory-swap", "-1"], toml: "memory-swap = -1" },
  "memory-swappiness": { flags: ["--memory-swappiness", "0"], toml: "memory-swappiness = 0" },
  "oom-kill-disable": {
    flags: ["-m", "8m", "--oom-kill-disable"],
    toml: 'memory = "8m"\noom-kill-disable = true',
  },
  "oom-score-adj": { flags: ["--oom-score-adj", "-5"], toml: "oom-score-adj = -5" },
  cpus: { flags: ["--cpus", "1.5"], toml: "cpus = 1.5" },
  "cpu-shares": { flags: ["-c", "512"], toml: "cpu-shares = 512" },
  "cpu-period": { flags: ["--cpu-period", "50000"], toml: "cpu-period = 50_000" },
  "cpu-quota": { flags: ["--cpu-quota", "20000"], toml: "cpu-quota = 20000" },
  "cpuset-cpus": { flags: ["--cpuset-cpus", "0-1"], toml: 'cpuset-cpus = "0-1"' },
  "cpuset-mems": { flags: ["--cpuset-mems", "0"], toml: 'cpuset-mems = "0"' },
  "pids-limit": { flags: ["--pids-limit", "0"], toml: "pids-limit = -1" },
  ulimit: {
    flags: ["--ulimit", "nofile=10:20", "--ulimit", "core=-1"],
    toml: 'ulimit = ["nofile=10:20", "core=-1"]',
  },
  sysctl: { flags: ["--sysctl", "net.ipv4.ip_forward=1"], toml: 'sysctl = { "net.ipv4.ip_forward" = 1 }' },
  "cgroup-parent": { flags: ["--cgroup-parent", "/x/y"], toml: 'cgroup-parent = "/x/y"' },
  "log-driver": { flags: ["--log-driver", "none"], toml: 'log-driver = "none"' },
  "log-opt": {
    flags: ["--log-opt", "max-size=1m", "--log-opt", "max-file=9"],
    toml: "log-opt = { max-size = '1m', max-file = 9 }",
  },
  timeout: { flags: ["--timeout", "90"], toml: "timeout = 90" },
  "health-cmd": { flags: ["--health-cmd", "wget -q localhost"], toml: 'health-cmd = "wget -q localhost"' },
  "health-interval": { flags: ["--health-interval", "1m30s"], toml: 'health-interval = "1m30s"' },
  "health-timeout": { flags: ["--health-timeout", "500ms"], toml: 'health-timeout = "500ms"' },
  "health-start-period": { flags: ["--health-start-period", "1h"], toml: 'health-start-period = "60m"' },
  "health-start-interval": { flags: ["--health-start-interval", "2s"], toml: 'health-start-interval = "2s"' },
  "health-retries": { flags: ["--health-retries", "5"], toml: "health-retries = 5" },
  "health-on-failure": { flags: ["--health-on-failure", "kill"], toml: 'health-on-failure = "kill"' },
  "no-healthcheck": { flags: ["--no-healthcheck"], toml: "no-healthcheck = true" },
  privileged: { flags: ["--privileged"], toml: "privileged = true" },
  "cap-add": { flags: ["--cap-add", "net_admin"], toml: 'cap-add = ["NET_ADMIN"]' },
  "cap-drop": { flags: ["--cap-drop", "all"], toml: 'cap-drop = "ALL"' },
  "security-opt": {
    flags: ["--security-opt", "seccomp=p.json", "--security-opt", "no-new-privileges:true"],
    toml: 'security-opt = ["seccomp=p.json", "no-new-privileges"]',
  },
  pid: { flags: ["--pid", "container:a"], toml: 'pid = "container:a"' },
  ipc: { flags: ["--ipc", "shareable"], toml: 'ipc = "shareable"' },
  uts: { flags: ["--uts", "host"], toml: 'uts = "host"' },
  userns: { flags: ["--userns", "auto:size=100"], toml: 'userns = "auto:size=100"' },
  uidmap: {
    flags: ["--uidmap", "0:1000:10", "--uidmap", "+u5:@9"],
    toml: 'uidmap = ["0:1000:10", "+u5:@9"]',
  },
  gidmap: { flags: ["--gidmap", "0:1000:10"], toml: 'gidmap = ["0:1000:10"]' },
  subuidname: { flags: ["--subuidname", "me"], toml: 'subuidname = "me"' },
  subgidname: { flags: ["--subgidname", "me"], toml: 'subgidname = "me"' },
  pull: { flags: ["--pull", "never"], toml: 'pull = "never"' },
  platform: { flags: ["--platform", "linux/arm64"], toml: 'platform = "linux/arm64"' },
};

const clientSamples: Record<string, { readonly flags: readonly string[]; readonly toml: string }> = {
  detach: { flags: ["-d"], toml: "detach = true" },
  cidfile: { flags: ["--cidfile", "id"], toml: 'cidfile = "id"' },
  "sig-proxy": { flags: ["--sig-proxy=false"], toml: "sig-proxy = false" },
  "detach-keys": { flags: ["--detach-keys", "ctrl-a,x"], toml: 'detach-keys = "ctrl-a,x"' },
  attach: { flags: ["-a", "stdout", "-a", "STDERR"], toml: 'attach = ["stdout", "STDERR"]' },
  quiet: { flags: ["-q"], toml: "quiet = true" },
  replace: { flags: ["--replace", "--name", "web"], toml: 'replace = true\nname = "web"' },
};

test("every option with a TOML key has a sample here", () => {
  expect([...tomlOptions().keys()].sort()).toEqual(
    [...Object.keys(samples), ...Object.keys(clientSamples)].sort(),
  );
});

test("names, short letters and aliases are each used once", () => {
  const names = runCommandOptions.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  const letters = runCommandOptions.flatMap(({ short }) => short ?? []);
  expect(letters.filter((letter, index) => letters.indexOf(letter) !== index)).toEqual([]);
});

test("every shown option has a help line without a full stop", () => {
  for (const { name, help, hidden } of runOptions) {
    if (!hidden) expect(`${name}: ${help}`).toMatch(/: \S.*[^.]$/);
  }
});

describe("flag = TOML", () => {
  const withImage = (toml: string) =>
    /^image|^command = \["busybox/m.test(toml) ? toml : `image = "busybox"\n${toml}`;

  for (const [name, { flags, toml }] of Object.entries(samples)) {
    test(name, async () => {
      const fromFlags = await configOf(...flags);
      expect(reparse(withImage(toml))).toEqual(fromFlags);
      expect(fromFlags).not.toEqual(await configOf());
    });
  }

  for (const [name, { flags, toml }] of Object.entries(clientSamples)) {
    test(name, async () => {
      const fromFlags = await parseRunArguments([...flags, "busybox"], host);
      const layer = parseContainerToml(`image = "busybox"\n${toml}`, "c.toml", host);
      expect(resolveRunRequest([layer], host)).toEqual(fromFlags);
      expect(fromFlags.client).not.toEqual((await parseRunArguments(["busybox"], host)).client);
    });
  }
});

describe("parse(render(config)) = config", () => {
  for (const [name, { flags }] of Object.entries(samples)) {
    test(name, async () => {
      const config = await configOf(...flags);
      expect(reparse(renderContainerToml(config))).toEqual(config);
    });
  }

  test("nearly all at once", async () => {
    // Left out: those that another sample contradicts (two mounts on /a, --cpus and --cpu-quota …).
    const alone = [
      "image",
      "command",
      "mount",
      "log-driver",
      "uts",
      "cpu-period",
      "cpu-quota",
      "oom-kill-disable",
      "restart",
      "no-healthcheck",
      "no-hosts",
    ];
    const flags = Object.entries(samples).flatMap(([name, sample]) =>
      alone.includes(name) ? [] : sample.flags,
    );
    const config = await configOf(...flags);
    expect(reparse(renderContainerToml(config))).toEqual(config);
  });

  const hostile = [
    '"',
    "'",
    "\\",
    "''' \"\"\"",
    "a\nb",
    "a\r\nb",
    "\t",
    "\u007f",
    "\u0001",
    "[table]",
    "# no comment",
    "a = 1",
    "é ü 漢字 🐳",
    "{ x }",
    "$(id)",
    " ",
    "=",
    "x=y=z",
    "\u2028",
  ];

  for (const text of hostile) {
    test(`hostile text ${JSON.stringify(text)}`, async () => {
      const config = await configOf(
        "-e",
        `A=${text}`,
        "-l",
        `l=${text}`,
        "-l",
        `${text.replaceAll("=", "")}k=v`,
        "--entrypoint",
        `x${text}`,
        "--annotation",
        `__proto__=${text}`,
        "--annotation",
        `constructor=${text}`,
        "--mount",
        `type=bind,"src=/s${text.replaceAll('"', '""')}",dst=/d`,
      );
      const withCommand = { ...config, command: ["-c", text, ""] };
      expect(reparse(renderContainerToml(withCommand))).toEqual(withCommand);
    });
  }

  test("an empty entrypoint resets the image's, and is kept", async () => {
    const config = await configOf("--entrypoint", "");
    expect(config.entrypoint).toEqual([]);
    expect(renderContainerToml(config)).toContain("entrypoint = []");
    expect(reparse(renderContainerToml(config))).toEqual(config);
  });

  test("a default container is its image and nothing else", async () => {
    expect(renderContainerToml(await configOf())).toBe('image = "busybox"\n');
  });
});
