/** What values of flags mean: sizes, ports, mounts, names, aliases and the rewrites of other systems' spellings. */
import { describe, expect, test } from "bun:test";
import { parseRunArguments } from "../../../src/cli/run-arguments.ts";
import type { ContainerConfig, MountConfig, PortConfig } from "../../../src/config/container-config.ts";
import { parseDetachKeys } from "../../../src/config/detach-keys.ts";
import {
  parseBytes,
  parseDecimalBytes,
  parseGoInt,
  parseNanoDecimal,
  renderBytes,
  renderNanoDecimal,
} from "../../../src/config/option-value.ts";
import { parsePorts, renderPort } from "../../../src/config/port-spec.ts";
import { splitWords } from "../../../src/config/split-words.ts";
import { memoryHost } from "./option-host.ts";

const host = memoryHost(
  { "/home/me/e": "\ufeffA=1\r\n# no\n\n  B=2 \nFROM_HOST\nNOWHERE\nC=#x\n" },
  { FROM_HOST: "h" },
);

async function configOf(line: string): Promise<ContainerConfig> {
  return (await parseRunArguments([...line.split(" "), "busybox"], host)).config;
}

describe("numbers", () => {
  const sizes: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["512", 512],
    ["1b", 1],
    ["64m", 64 * 2 ** 20],
    ["64M", 64 * 2 ** 20],
    ["1.5g", 1.5 * 2 ** 30],
    ["2GiB", 2 ** 31],
    ["1 kb", 1024],
    ["1t", 2 ** 40],
    [".5k", 512],
    ["1.k", 1024],
  ];
  for (const [text, bytes] of sizes) test(`size ${text}`, () => expect(parseBytes(text)).toBe(bytes));

  test("sizes of logs count in thousands", () => {
    expect(["10m", "1kb", "7", "1.5g"].map(parseDecimalBytes)).toEqual([1e7, 1000, 7, 1.5e9]);
  });

  test("renderBytes reads back", () => {
    for (const bytes of [0, 1, 1023, 1024, 1536, 64 * 2 ** 20, 2 ** 40, 2 ** 30 + 1]) {
      expect(parseBytes(renderBytes(bytes))).toBe(bytes);
    }
    expect(renderBytes(64 * 2 ** 20)).toBe("64m");
  });

  test("integers as Go reads them, base 0", () => {
    expect(["0", "-7", "+7", "0x10", "010", "0o10", "0b11"].map(parseGoInt)).toEqual([0, -7, 7, 16, 8, 8, 3]);
    for (const text of ["", " 1", "1 ", "1.0", "0x", "08", "--1", "1e3"]) {
      expect(() => parseGoInt(text)).toThrow("invalid syntax");
    }
    expect(() => parseGoInt("9223372036854775808")).toThrow("value out of range");
  });

  test("CPUs as decimals and fractions, and back", () => {
    const nano = ["1.5", "1e-1", "1/2", ".25", "2.", "-1", "0.000000001"].map(parseNanoDecimal);
    expect(nano).toEqual([1.5e9, 1e8, 5e8, 2.5e8, 2e9, -1e9, 1]);
    for (const value of nano) expect(parseNanoDecimal(renderNanoDecimal(value))).toBe(value);
  });
});

describe("ports", () => {
  const tcp = (hostPort: number, containerPort: number, more: Partial<PortConfig> = {}): PortConfig => ({
    hostPort,
    containerPort,
    protocol: "tcp",
    ...more,
  });
  const cases: readonly (readonly [string, readonly PortConfig[]])[] = [
    ["80", [tcp(0, 80)]],
    ["8080:80", [tcp(8080, 80)]],
    ["8080:80/UDP", [tcp(8080, 80, { protocol: "udp" })]],
    ["80/", [tcp(0, 80)]],
    [":80", [tcp(0, 80)]],
    ["0:80", [tcp(0, 80)]],
    ["1.2.3.4:1:2", [tcp(1, 2, { hostIp: "1.2.3.4" })]],
    ["1.2.3.4::2", [tcp(0, 2, { hostIp: "1.2.3.4" })]],
    ["[::1]:1:2", [tcp(1, 2, { hostIp: "::1" })]],
    ["::1:1:2", [tcp(1, 2, { hostIp: "::1" })]],
    ["10-11:20-21", [tcp(10, 20), tcp(11, 21)]],
    ["20-21", [tcp(0, 20), tcp(0, 21)]],
    ["10-12:80", [tcp(10, 80, { hostPortLast: 12 })]],
    ["80=8080", [tcp(80, 8080)]],
    ["published=1,target=2,protocol=sctp", [tcp(1, 2, { protocol: "sctp" })]],
    ["target=2", [tcp(0, 2)]],
  ];
  for (const [text, ports] of cases) {
    test(text, () => {
      expect(parsePorts(text)).toEqual([...ports]);
      expect(ports.flatMap((port) => parsePorts(renderPort(port)))).toEqual([...ports]);
    });
  }
});

describe("mounts", () => {
  const bind = { type: "bind", target: "/b", readOnly: false, createSource: true, recursive: true } as const;
  const volume = { type: "volume", target: "/b", readOnly: false, copy: true } as const;
  const cases: readonly (readonly [string, MountConfig])[] = [
    ["-v /a:/b", { ...bind, source: "/a" }],
    ["-v /a/../c/:/b/", { ...bind, source: "/c" }],
    ["-v ./a:/b:ro,z", { ...bind, source: "/home/me/a", readOnly: true }],
    ["-v ..:/b", { ...bind, source: "/home" }],
    ["-v /a:/b:rslave,cached", { ...bind, source: "/a", propagation: "rslave" }],
    ["-v data:/b", { ...volume, name: "data" }],
    ["-v data:/b:nocopy,ro", { ...volume, name: "data", copy: false, readOnly: true }],
    ["-v /b", volume],
    ["--mount dst=/b", volume],
    [
      "--mount TYPE=volume,Source=data,destination=/b,volume-nocopy",
      { ...volume, name: "data", copy: false },
    ],
    [
      "--mount type=bind,src=./x,dst=/b,ro",
      { ...bind, source: "/home/me/x", readOnly: true, createSource: false },
    ],
    [
      "--mount type=tmpfs,dst=/b,tmpfs-size=1k,tmpfs-mode=01777,ro",
      { type: "tmpfs", target: "/b", options: ["ro", "size=1024", "mode=1777"] },
    ],
    ["--tmpfs /b", { type: "tmpfs", target: "/b", options: [] }],
    ["--tmpfs /b:", { type: "tmpfs", target: "/b", options: [] }],
    [
      "--tmpfs /b:exec,size=1m,uid=3",
      { type: "tmpfs", target: "/b", options: ["exec", "size=1048576", "uid=3"] },
    ],
    ["-resolv r.conf", { ...bind, source: "/home/me/r.conf", target: "/etc/resolv.conf", readOnly: true }],
  ];
  for (const [line, mount] of cases) {
    test(line, async () => expect((await configOf(line)).mounts).toEqual([mount]));
  }

  test("parents are mounted before what lies under them", async () => {
    const { mounts } = await configOf("-v /1:/x/y/z --tmpfs /x -v /2:/x/y --mount dst=/a/b");
    expect(mounts.map(({ target }) => target)).toEqual(["/x", "/a/b", "/x/y", "/x/y/z"]);
  });
});

describe("environment", () => {
  test("files come before flags, hosts' values are looked up, missing ones dropped", async () => {
    const { env } = await configOf("-e C=last --env-file e -e FROM_HOST -e NOWHERE -e D=1=2");
    expect(env).toEqual(["A=1", "B=2 ", "FROM_HOST=h", "C=last", "D=1=2"]);
  });
});

test("a variable's name in a file may not be followed by a space", async () => {
  const spaced = memoryHost({ "/home/me/f": "B = 2" });
  const outcome = parseRunArguments(["--env-file", "f", "x"], spaced);
  await expect(outcome).rejects.toThrow("variable 'B ' contains whitespaces");
});

describe("spellings of other systems", () => {
  const same: readonly (readonly [string, string])[] = [
    ["-name web", "--name web"],
    ["-name=web", "--name web"],
    ["-n web", "--name web"],
    ["-net host", "--network host"],
    ["--net host", "--network host"],
    ["-ti", "-i -t"],
    ["--it", "-it"],
    ["--ti", "-it"],
    ["-cpuset 0 -cpushare 3 -cpumem 0", "--cpuset-cpus 0 --cpu-shares 3 --cpuset-mems 0"],
    ["--cpu-cfs-period 50000 --cpu-cfs-quota 20000", "--cpu-period 50000 --cpu-quota 20000"],
    [
      "--memory-limit 8m --memory-soft-limit 7m --memory-swap-limit 9m",
      "-m 8m --memory-reservation 7m --memory-swap 9m",
    ],
    ["--pids-max 0", "--pids-limit -1"],
    ["-m 8m --oom_kill_disable 1", "-m 8m --oom-kill-disable"],
    ["-m 8m --oom_kill_disable 0", "-m 8m"],
    ["--port 80:80", "-p 80:80"],
    ["-netdriver host", "--network host"],
    ["-netdriver container -container c1", "--network container:c1"],
    ["-netdriver bridge --network web", "--network web"],
    ["--network default", "--network bridge"],
    [
      "--ip 10.0.0.9 --ip6 fd00::9 --network-alias a --net-alias b --mac-address 02-00-00-00-0A-01 --network web",
      "--network name=web,ip=10.0.0.9,ip6=fd00::9,alias=a,alias=b,mac-address=02:00:00:00:0a:01",
    ],
    ["--mac-address 02:00:00:00:00:01", "--network name=bridge,mac-address=02:00:00:00:00:01"],
  ];
  for (const [ours, dockers] of same) {
    test(`${ours} is ${dockers}`, async () => expect(await configOf(ours)).toEqual(await configOf(dockers)));
  }

  test("they are words like any other where no option may stand", async () => {
    expect((await configOf("-e -name")).env).toEqual([]);
    const { config } = await parseRunArguments(["busybox", "-name", "--it"], host);
    expect(config.command).toEqual(["-name", "--it"]);
  });

  test("with --image, options may follow and all arguments are the command", async () => {
    const { config } = await parseRunArguments(["-image", "alpine", "ls", "-m", "8m", "--", "-l"], host);
    expect(config).toMatchObject({
      image: "alpine",
      command: ["ls", "-l"],
      resources: { memoryBytes: 8 * 2 ** 20 },
    });
  });
});

test("detach keys are bytes", () => {
  expect([...parseDetachKeys("ctrl-p,ctrl-q")]).toEqual([16, 17]);
  expect([...parseDetachKeys("a,ctrl-[,ctrl-@,CTRL-Z")]).toEqual([97, 27, 0, 26]);
});

test("a command in one string is split as a shell would", () => {
  expect(splitWords(` sh  -c 'a "b"  c' "x \\" y"z \\  "" `)).toEqual([
    "sh",
    "-c",
    'a "b"  c',
    'x " yz',
    " ",
    "",
  ]);
  expect(() => splitWords("a 'b")).toThrow("unclosed quote");
});

test("ports on the host's network are discarded with a warning", async () => {
  const { warnings } = await parseRunArguments(["--network", "host", "-p", "80:80", "busybox"], host);
  expect(warnings).toEqual(["Published ports are discarded when using host network mode"]);
});

describe("words as JSON", () => {
  const given = async (...argv: string[]) => (await parseRunArguments([...argv, "busybox"], host)).config;

  test("--entrypoint is one word or a list", async () => {
    expect((await given("--entrypoint", '["sh", "-c"]')).entrypoint).toEqual(["sh", "-c"]);
    expect((await given("--entrypoint", "[")).entrypoint).toEqual(["["]);
    expect((await given("--entrypoint", "[1]")).entrypoint).toEqual(["[1]"]);
    expect((await given("--entrypoint", "")).entrypoint).toEqual([]);
  });

  test("--health-cmd is a line for the shell, a list of words, or none", async () => {
    const testOf = async (text: string) => (await given("--health-cmd", text)).health?.test;
    expect(await testOf("[ -f /x ]")).toEqual(["CMD-SHELL", "[ -f /x ]"]);
    expect(await testOf('["CMD", "a", "b"]')).toEqual(["CMD", "a", "b"]);
    expect(await testOf('["a", "b"]')).toEqual(["CMD", "a", "b"]);
    expect(await testOf('["CMD-SHELL", "a"]')).toEqual(["CMD-SHELL", "a"]);
    expect(await testOf("none")).toEqual(["NONE"]);
  });
});
