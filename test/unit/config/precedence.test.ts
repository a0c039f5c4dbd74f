/** Which source wins: command line, environment, TOML file, engine configuration, default. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseRunArguments } from "../../../src/cli/run-arguments.ts";
import { loadEngineSettings, resolveEngineSettings } from "../../../src/config/engine-settings.ts";
import { optionsOfEnvironment } from "../../../src/config/environment.ts";
import { defaultNetworkOptions } from "../../../src/network/network-options.ts";
import { defaultRegistrySettings } from "../../../src/registry/registry-settings.ts";
import { memoryHost } from "./option-host.ts";

const toml = `
image = "from-file"
command = ["file"]
memory = "10m"
cpus = 2
publish = ["1:1", "2:2"]
network = ["web"]
read-only = true
[env]
A = "file"
B = "file"
[label]
a = "file"
b = "file"
`;

function resolve(
  words: readonly string[],
  env: Record<string, string> = {},
  defaults?: Map<string, string | string[]>,
) {
  const host = memoryHost({ "/home/me/c.toml": toml, "/home/me/env": "A=env-file" }, env);
  return parseRunArguments(words, host, defaults);
}

describe("precedence", () => {
  test("flag over variable over file over engine over default", async () => {
    const env = { BOCKER_MEMORY: "20m", BOCKER_CPUS: "3" };
    const defaults = new Map<string, string | string[]>([
      ["memory", "30m"],
      ["pids-limit", "7"],
      ["env", ["A=e", "E=e"]],
    ]);
    const { config } = await resolve(["-m", "15m", "-f", "c.toml"], env, defaults);
    expect(config.resources).toEqual({ memoryBytes: 15 * 2 ** 20, nanoCpus: 3e9, pidsLimit: 7 });
    expect(config.env).toEqual(["A=file", "E=e", "B=file"]);
    expect(config.shmSizeBytes).toBe(64 * 2 ** 20);
  });

  test("lists are replaced, keyed options are merged", async () => {
    const { config } = await resolve([
      "-f",
      "c.toml",
      "-p",
      "9:9",
      "--network",
      "none",
      "-e",
      "A=flag",
      "-l",
      "b=flag",
    ]);
    expect(config.ports.map(({ hostPort }) => hostPort)).toEqual([9]);
    expect(config.networks).toEqual([{ name: "none", aliases: [] }]);
    expect(config.env).toEqual(["A=flag", "B=file"]);
    expect(config.labels).toEqual({ a: "file", b: "flag" });
  });

  test("a file of variables given as a flag wins over the TOML file's own", async () => {
    const { config } = await resolve(["-f", "c.toml", "--env-file", "env"]);
    expect(config.env).toEqual(["A=env-file", "B=file"]);
  });

  test("a flag can take back what the file turned on", async () => {
    expect((await resolve(["-f", "c.toml", "--read-only=false"])).config.readOnly).toBe(false);
  });

  test("image and command of the file, and of the command line", async () => {
    expect((await resolve(["-f", "c.toml"])).config).toMatchObject({ image: "from-file", command: ["file"] });
    expect((await resolve(["-f", "c.toml", "other"])).config).toMatchObject({
      image: "other",
      command: ["file"],
    });
    expect((await resolve(["-f", "c.toml", "other", "x"])).config).toMatchObject({
      image: "other",
      command: ["x"],
    });
  });

  test("--log-driver none leaves the engine's log options behind", async () => {
    const defaults = new Map([["log-opt", ["max-size=5m"]]]);
    expect((await resolve(["--log-driver", "none", "x"], {}, defaults)).config.log.driver).toBe("none");
    expect((await resolve(["--log-opt", "max-file=2", "x"], {}, defaults)).config.log).toEqual({
      driver: "json-file",
      maxSizeBytes: 5_000_000,
      maxFiles: 2,
      options: { "max-size": "5m", "max-file": "2" },
    });
  });
});

describe("BOCKER_* variables", () => {
  test("scalars, lists and booleans", () => {
    const env = {
      BOCKER_READ_ONLY: "1",
      BOCKER_DNS: "1.1.1.1 ::1",
      BOCKER_SHM_SIZE: "1m",
      PATH: "/bin",
      BOCKER_PULL: "",
    };
    expect([...optionsOfEnvironment(env)]).toEqual([
      ["read-only", true],
      ["dns", ["1.1.1.1", "::1"]],
      ["shm-size", "1m"],
    ]);
  });

  test("the bash bocker's: memory in millions of bytes, CPU shares", () => {
    expect([...optionsOfEnvironment({ BOCKER_MEM_LIMIT: "100", BOCKER_CPU_SHARE: "512" })]).toEqual([
      ["memory", "100000000"],
      ["cpu-shares", "512"],
    ]);
  });

  test("unknown names, and names that scripts use for themselves, are left alone", () => {
    const env = {
      BOCKER_X: "1",
      BOCKER_IMAGE: "i",
      BOCKER_NAME: "n",
      BOCKER_ENV: "e",
      BOCKER_DETACH: "1",
      BOCKER_ROOT: "/r",
    };
    expect(optionsOfEnvironment(env).size).toBe(0);
  });

  test("a value that cannot be names its variable", () => {
    expect(() => optionsOfEnvironment({ BOCKER_MEMORY: "x" })).toThrow(
      `invalid value "x" of BOCKER_MEMORY: invalid size: 'x'`,
    );
  });
});

describe("engine settings", () => {
  test("defaults are those of the domains they configure", () => {
    const settings = resolveEngineSettings({}, {}, {});
    expect(settings.network).toEqual(defaultNetworkOptions("/run/bocker"));
    expect(settings.registries).toEqual(defaultRegistrySettings);
    expect([settings.root, settings.runRoot]).toEqual(["/var/lib/bocker", "/run/bocker"]);
  });

  test("flags over variables over the file", () => {
    const file = { root: "/file", runRoot: "/file-run" };
    expect(
      resolveEngineSettings(file, { root: "/flag/" }, { BOCKER_ROOT: "/env", BOCKER_RUN: "/env-run" }),
    ).toMatchObject({
      root: "/flag",
      runRoot: "/env-run",
      network: { runFolder: "/env-run/network" },
    });
    expect(resolveEngineSettings(file, {}, {})).toMatchObject({ root: "/file", runRoot: "/file-run" });
    expect(() => resolveEngineSettings({}, { root: "rel" }, {})).toThrow(
      'the root "rel" is not an absolute path',
    );
  });

  async function load(text: string) {
    const folder = mkdtempSync(join(tmpdir(), "bocker-settings-"));
    try {
      const path = join(folder, "config.toml");
      writeFileSync(path, text);
      const outcome = await loadEngineSettings({ config: path }, {}).catch((thrown: Error) => thrown);
      if (outcome instanceof Error) throw new Error(outcome.message.replaceAll(path, "config.toml"));
      return outcome;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  test("a whole file", async () => {
    const settings = await load(`
root = "/data"
cgroup-parent = "/boxes"
storage-driver = "overlay"
[network]
bridge = "br7"
subnet = "10.9.0.0/24"
mtu = 1400
[registry]
insecure = ["reg.example:5000"]
mirrors = { "docker.io" = ["https://mirror.example"] }
[log]
max-size = "5m"
[container]
dns = ["9.9.9.9"]
log-opt = { max-file = 2 }
`);
    expect(settings).toMatchObject({
      root: "/data",
      cgroupParent: "/boxes",
      network: { bridge: "br7", mtu: 1400, table: "bocker" },
    });
    expect(settings.registries).toMatchObject({
      insecure: ["reg.example:5000"],
      mirrors: { "docker.io": ["https://mirror.example"] },
    });
    expect([...settings.containerDefaults]).toEqual([
      ["dns", ["9.9.9.9"]],
      ["log-opt", ["max-size=5m", "max-file=2"]],
    ]);
  });

  test("everything wrong in it at once", async () => {
    const outcome = load(`
rot = "/x"
root = "rel"
[network]
bridge = "much-too-long-a-name"
pools = ["10.0.0.0/33"]
mtux = 3
[container]
memory = "x"
`);
    await expect(outcome).rejects.toThrow(`cannot use "config.toml": 6 problems
config.toml:2:1: unknown key "rot"
   2 | rot = "/x"
     | ^
     = did you mean "root"?
config.toml:3:8: must be an absolute path
   3 | root = "rel"
     |        ^
config.toml:5:10: must be an interface's name of at most 15 letters
   5 | bridge = "much-too-long-a-name"
     |          ^
config.toml:6:10: must be an IPv4 subnet such as 172.30.0.0/16
   6 | pools = ["10.0.0.0/33"]
     |          ^
config.toml:7:1: unknown key "mtux"
   7 | mtux = 3
     | ^
     = did you mean "mtu"?
config.toml:9:10: invalid size: 'x'
   9 | memory = "x"
     |          ^`);
  });

  test("a named file must be there", async () => {
    await expect(loadEngineSettings({ config: "/nonexistent/c.toml" }, {})).rejects.toThrow(
      'cannot read the configuration "/nonexistent/c.toml"',
    );
    await expect(loadEngineSettings({}, { BOCKER_CONFIG: "/nonexistent/d.toml" })).rejects.toThrow(
      "/nonexistent/d.toml",
    );
  });
});
