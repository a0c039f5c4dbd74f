/**
 * What cannot be, in docker's words: each phrase was compared with docker's client 28.2.2, or with the daemon's source
 * where the client lets it pass.
 */
import { describe, expect, test } from "bun:test";
import { parseRunArguments } from "../../../src/cli/run-arguments.ts";
import { isEngineRefusal } from "../../../src/config/engine-refusal.ts";
import { BockerError } from "../../../src/errors.ts";
import { memoryHost } from "./option-host.ts";

const host = memoryHost({
  "/home/me/bad-name": "A B=1\n",
  "/home/me/no-name": "A=1\n b=2\n=x\n",
  "/home/me/bytes": new Uint8Array([0x41, 0x3d, 0x31, 10, 0xff, 0x3d, 0x31, 10]),
  "/home/me/not.json": "{",
});

async function errorOf(words: readonly string[]): Promise<BockerError> {
  const outcome = await parseRunArguments(words, host).then(
    (request) => request,
    (thrown: unknown) => thrown,
  );
  if (outcome instanceof BockerError) return outcome;
  throw new Error(`expected an error, got ${JSON.stringify(outcome)}`);
}

/** Words before the image, and the message. */
const flagErrors: readonly (readonly [string, string])[] = [
  ["-m x", `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`],
  ["--memory=-1x", `invalid argument "-1x" for "-m, --memory" flag: invalid size: '-1x'`],
  ["--memory=", `invalid argument "" for "-m, --memory" flag: invalid size: ''`],
  [
    "-m 1,5g",
    `invalid argument "1,5g" for "-m, --memory" flag: strconv.ParseFloat: parsing "1,5": invalid syntax`,
  ],
  ["-m 1zb", `invalid argument "1zb" for "-m, --memory" flag: invalid suffix: 'zb'`],
  ["--shm-size=-1", `invalid argument "-1" for "--shm-size" flag: invalid size: '-1'`],
  ["--memory-swap=-2", `invalid argument "-2" for "--memory-swap" flag: invalid size: '-2'`],
  ["--cpus x", `invalid argument "x" for "--cpus" flag: failed to parse x as a rational number`],
  ["--cpus=0.0000000001", `invalid argument "0.0000000001" for "--cpus" flag: value is too precise`],
  ["--cpus=1/0", `invalid argument "1/0" for "--cpus" flag: failed to parse 1/0 as a rational number`],
  [
    "-c 1.5",
    `invalid argument "1.5" for "-c, --cpu-shares" flag: strconv.ParseInt: parsing "1.5": invalid syntax`,
  ],
  [
    "-c 99999999999999999999",
    `invalid argument "99999999999999999999" for "-c, --cpu-shares" flag: strconv.ParseInt: parsing "99999999999999999999": value out of range`,
  ],
  [
    "--tty=maybe",
    `invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax`,
  ],
  ["-it=x", `invalid argument "x" for "-t, --tty" flag: strconv.ParseBool: parsing "x": invalid syntax`],
  ["-e =x", `invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x`],
  ["-l =", `invalid argument "=" for "-l, --label" flag: invalid label '=': empty name`],
  ["--ulimit x", `invalid argument "x" for "--ulimit" flag: invalid ulimit argument: x`],
  ["--ulimit foo=3", `invalid argument "foo=3" for "--ulimit" flag: invalid ulimit type: foo`],
  [
    "--ulimit nofile=5:3",
    `invalid argument "nofile=5:3" for "--ulimit" flag: ulimit soft limit must be less than or equal to hard limit: 5 > 3`,
  ],
  [
    "--ulimit nofile=1:2:3",
    `invalid argument "nofile=1:2:3" for "--ulimit" flag: too many limit value arguments - 1:2:3, can only have up to two, \`soft[:hard]\``,
  ],
  ["-a foo", `invalid argument "foo" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR`],
  ["--add-host foo", `invalid argument "foo" for "--add-host" flag: bad format for add-host: "foo"`],
  [
    "--add-host foo:bar",
    `invalid argument "foo:bar" for "--add-host" flag: invalid IP address in add-host: "bar"`,
  ],
  ["--dns foo", `invalid argument "foo" for "--dns" flag: IP address is not correctly formatted: foo`],
  [
    "--dns ::1%eth0",
    `invalid argument "::1%eth0" for "--dns" flag: IP address is not correctly formatted: ::1%eth0`,
  ],
  ["--dns-search=a_b", `invalid argument "a_b" for "--dns-search" flag: a_b is not a valid domain`],
  ["--sysctl foo", `invalid argument "foo" for "--sysctl" flag: sysctl 'foo' is not allowed`],
  [
    "--sysctl kernel.panic=1",
    `invalid argument "kernel.panic=1" for "--sysctl" flag: sysctl 'kernel.panic=1' is not allowed`,
  ],
  [
    "--sysctl net.a/../../x=1",
    `invalid argument "net.a/../../x=1" for "--sysctl" flag: sysctl 'net.a/../../x=1' is not allowed`,
  ],
  ["--mount type=x", `invalid argument "type=x" for "--mount" flag: target is required`],
  ["--mount=", `invalid argument "" for "--mount" flag: EOF`],
  [
    "--mount target=/x,foo=1",
    `invalid argument "target=/x,foo=1" for "--mount" flag: unexpected key 'foo' in 'foo=1'`,
  ],
  [
    "--mount dst=/x,constructor=1",
    `invalid argument "dst=/x,constructor=1" for "--mount" flag: unexpected key 'constructor' in 'constructor=1'`,
  ],
  [
    "--mount target=/x,foo",
    `invalid argument "target=/x,foo" for "--mount" flag: invalid field 'foo' must be a key=value pair`,
  ],
  [
    "--mount type=bind,src=/a,dst=/b,readonly=x",
    `invalid argument "type=bind,src=/a,dst=/b,readonly=x" for "--mount" flag: invalid value for readonly: x`,
  ],
  [
    "--mount type=tmpfs,target=/x,bind-propagation=shared",
    `invalid argument "type=tmpfs,target=/x,bind-propagation=shared" for "--mount" flag: cannot mix 'bind-*' options with mount type 'tmpfs'`,
  ],
  [
    "--mount type=tmpfs,dst=/b,tmpfs-mode=9",
    `invalid argument "type=tmpfs,dst=/b,tmpfs-mode=9" for "--mount" flag: invalid value for tmpfs-mode: 9`,
  ],
  ["--network name=a,foo=b", `invalid argument "name=a,foo=b" for "--network" flag: invalid field key foo`],
  ["--network name=a,alias", `invalid argument "name=a,alias" for "--network" flag: invalid field alias`],
  [
    "--network name=a,gw-priority=x",
    `invalid argument "name=a,gw-priority=x" for "--network" flag: invalid gw-priority (x): invalid syntax`,
  ],
  [
    "--network name=a,driver-opt=x",
    `invalid argument "name=a,driver-opt=x" for "--network" flag: invalid key value pair format in driver options`,
  ],
  ["--ip fd00::1", `invalid argument "fd00::1" for "--ip" flag: invalid IPv4 address: fd00::1`],
  ["--ip6 10.0.0.1", `invalid argument "10.0.0.1" for "--ip6" flag: invalid IPv6 address: 10.0.0.1`],
  ["--mac-address x", `invalid argument "x" for "--mac-address" flag: x is not a valid mac address`],
  ["--oom_kill_disable 2", `invalid argument "2" for "--oom_kill_disable" flag: must be 0 or 1`],
];

/** What docker's daemon says, for which `create` ends with 1. */
const refused: readonly string[] = [
  "-w rel",
  "--ipc foo",
  "--cap-add foo",
  "--cap-drop foo",
  "--stop-timeout -2",
  "--cpuset-cpus 3-1",
  "--network host --network-alias x",
  "--network host --link x",
];

describe("whose error it is", () => {
  for (const words of refused) {
    test(`the engine's: ${words}`, async () => {
      expect(isEngineRefusal(await errorOf([...words.split(" "), "busybox"]))).toBe(true);
    });
  }
  for (const words of ["--pid foo", "--uts foo", "--security-opt foo", "--rm --restart always", "-p foo"]) {
    test(`the command line's: ${words}`, async () => {
      expect(isEngineRefusal(await errorOf([...words.split(" "), "busybox"]))).toBe(false);
    });
  }
});

describe("errors of a flag", () => {
  for (const [words, message] of flagErrors) {
    test(words, async () => {
      const error = await errorOf([...words.split(" "), "busybox"]);
      expect(error.message).toBe(message);
      expect(error.exitCode).toBe(125);
    });
  }
});

const valueErrors: readonly (readonly [string, string])[] = [
  ["-p foo", "invalid containerPort: foo"],
  ["-p 80:x", "invalid containerPort: x"],
  ["-p 80/foo", "invalid proto: foo"],
  ["-p 70000:1", "invalid hostPort: 70000"],
  ["-p 5-3:80", "invalid hostPort: 5-3"],
  ["-p 1:0", "invalid containerPort: 0"],
  ["-p 1-2:3-5", "invalid ranges specified for container and host Ports: 3-5 and 1-2"],
  ["-p 1.2.3:80:80", "invalid IP address: 1.2.3"],
  ["-p a:b:c:d", "invalid IP address: a:b"],
  ["-p 80:", "no port specified: 80:<empty>"],
  ["-p=", "invalid publish opts format (should be name=value but got '=')"],
  ["-p a=1,b", "invalid publish opts key: a"],
  ["-p published=1,b", "invalid publish opts format (should be name=value but got 'b')"],
  ["-v a:b:c:d", "invalid volume specification: 'a:b:c:d'"],
  ["--volume=", "invalid empty volume spec"],
  ["-v :/x", "invalid volume specification: ':/x': empty section between colons"],
  ["-v /x:ro", "invalid volume specification: '/x:ro'"],
  ["-v /a:/b:rox", "invalid mode: rox"],
  ["-v /a:/b:ro,rw", "invalid mode: ro,rw"],
  [
    "-v vol:rel",
    "invalid volume specification: 'vol:rel': invalid mount path: 'rel' mount path must be absolute",
  ],
  ["-v /a:/", "invalid volume specification: '/a:/': invalid specification: destination can't be '/'"],
  [
    "-v /a:/b/..",
    "invalid volume specification: '/a:/b/..': invalid specification: destination can't be '/'",
  ],
  [
    "-v x:/y",
    "invalid volume specification: 'x:/y': volume name is too short, names should be at least two alphanumeric characters",
  ],
  [
    "-v vol:/x:shared",
    "invalid volume specification: 'vol:/x:shared': invalid mode: shared is for bind mounts, not for volumes",
  ],
  ["-v aa:/x -v /h:/x/", "Duplicate mount point: /x"],
  ["--mount type=foo,dst=/b", 'invalid mount config for type "foo": mount type unknown'],
  ["--mount type=bind,dst=/b", 'invalid mount config for type "bind": field Source must not be empty'],
  [
    "--mount type=bind,src=a,dst=/b",
    `invalid mount config for type "bind": invalid mount path: 'a' mount path must be absolute`,
  ],
  [
    "--mount type=tmpfs,src=/x,dst=/b",
    'invalid mount config for type "tmpfs": field Source must not be specified',
  ],
  ["--tmpfs rel", "invalid mount path: 'rel' mount path must be absolute"],
  ["--tmpfs /x:foo", 'invalid tmpfs option ["foo"]'],
  ["--tmpfs /x:size=y", 'invalid tmpfs option ["size=y"]'],
  ["--name x", "Invalid container name (x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"],
  ["--name a/b", "Invalid container name (a/b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"],
  ["-w rel", "the working directory 'rel' is invalid, it needs to be an absolute path"],
  ["--stop-signal foo", "invalid signal: foo"],
  ["--pid foo", "--pid: invalid PID mode"],
  ["--pid container:", "--pid: invalid PID mode"],
  ["--uts foo", "--uts: invalid UTS mode"],
  ["--ipc foo", "invalid IPC mode: foo"],
  ["--pull foo", `invalid pull option: 'foo': must be one of "always", "missing" or "never"`],
  ["--detach-keys foo", "invalid detach keys (foo) provided: unknown character: 'foo'"],
  ["--log-driver foo", "logger: no log driver named 'foo' is registered"],
  ["--log-driver none --log-opt max-size=1m", "invalid logging opts for driver none"],
  ["--log-opt foo=1", "unknown log opt 'foo' for json-file log driver"],
  ["--log-opt max-file=0", "max-file cannot be less than 1"],
  ["--log-opt compress=true", "compress=true is not supported: rotated logs are not compressed"],
  ["--log-opt compress=perhaps", 'strconv.ParseBool: parsing "perhaps": invalid syntax'],
  ["--log-opt mode=non-blocking", "logger: logging mode not supported: non-blocking"],
  [
    "--log-opt max-buffer-size=1m",
    "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
  ],
  ["--log-opt labels-regex=(", 'error parsing regexp: "("'],
  ["--log-opt path=/x", "unknown log opt 'path' for json-file log driver"],
  ["--log-driver k8s-file --log-opt tag=x", "unknown log opt 'tag' for k8s-file log driver"],
  ["--log-driver k8s-file --log-opt path=", "log opt 'path' must not be empty"],
  [
    "--log-opt tag={{.Nme}}",
    'invalid log tag field "{{.Nme}}": must be one of {{.ID}} {{.FullID}} {{.Name}} {{.ImageID}} {{.ImageFullID}} {{.ImageName}} {{.DaemonName}}',
  ],
  ["--log-opt tag={{.Name", 'invalid log tag "{{.Name"'],
  ["--timeout -1", "invalid timeout: -1"],
  ["--device null", "null is not an absolute path"],
  ["--device /dev/null:/x:rwx", "bad mode specified: rwx"],
  ["--device a:b:c:d", "bad format for path: a:b:c:d"],
  ["--security-opt foo", 'Invalid --security-opt: "foo"'],
  [
    "--security-opt seccomp=no.json",
    "opening seccomp profile (no.json) failed: open no.json: no such file or directory",
  ],
  ["--cap-add foo", 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  ["--env-file none", "open none: no such file or directory"],
  ["--env-file bad-name", "invalid env file (bad-name): variable 'A B' contains whitespaces"],
  ["--env-file no-name", "invalid env file (no-name): no variable name on line '=x'"],
  ["--env-file bytes", "invalid env file (bytes): invalid utf8 bytes at line 2: [255 61 49]"],
  ["--cpuset-cpus 3-1", "Invalid value 3-1 for cpuset cpus"],
  ["--network=", "no name set for network"],
  ["--network container:", "invalid container format container:<name|id>"],
  [
    "--network host --network web",
    "conflicting options: cannot attach both user-defined and non-user-defined network-modes",
  ],
  ["--network web --network web", 'network "web" is specified multiple times'],
  [
    "--network name=a,alias=x --network-alias y",
    "conflicting options: cannot specify both --network-alias and per-network alias",
  ],
  [
    "--network name=a,ip=10.0.0.1 --ip 10.0.0.2",
    "conflicting options: cannot specify both --ip and per-network IPv4 address",
  ],
  [
    "--network name=a,ip6=fd00::1 --ip6 fd00::2",
    "conflicting options: cannot specify both --ip6 and per-network IPv6 address",
  ],
  ["--network host --mac-address 02:00:00:00:00:01", "conflicting options: mac-address and the network mode"],
  ["--network container:a -p 80", "conflicting options: port publishing and the container type network mode"],
  ["--network container:a -h x", "conflicting options: hostname and the network mode"],
  ["--network container:a --dns 1.1.1.1", "conflicting options: dns and the network mode"],
  [
    "--network host --sysctl net.ipv4.ip_forward=1",
    'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
  ],
  ["--ipc host --sysctl kernel.sem=1", 'sysctl "kernel.sem" not allowed in host ipc namespace'],
  ["--uts host -h x", "conflicting options: hostname and the UTS mode"],
  ["-m 5m", "Minimum memory limit allowed is 6MB"],
  ["--memory-reservation 1m", "Minimum memory reservation allowed is 6MB"],
  [
    "-m 8m --memory-reservation 9m",
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ],
  ["--memory-swap 9m", "You should always set the Memory limit when using Memoryswap limit, see usage"],
  ["-m 8m --memory-swap 7m", "Minimum memoryswap limit should be larger than memory limit, see usage"],
  ["--memory-swappiness 101", "Invalid value: 101, valid memory swappiness range is 0-100"],
  ["--cpus 1 --cpu-quota 9000", "Conflicting options: Nano CPUs and CPU Quota cannot both be set."],
  ["--cpus 1 --cpu-period 9000", "Conflicting options: Nano CPUs and CPU Period cannot both be set."],
  ["--cpu-period 10", "CPU cfs period cannot be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"],
  ["--cpu-quota 10", "CPU cfs quota cannot be less than 1ms (i.e. 1000)"],
  ["-c -1", "invalid CPU shares (-1): value must be a positive integer"],
  ["--oom-score-adj 1001", "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
  ["-v /a:/b:O,ro", "invalid volume specification: '/a:/b:O,ro': invalid mode: O stands alone"],
  [
    "-v a1:/b:O",
    "invalid volume specification: 'a1:/b:O': invalid mode: O is for bind mounts, not for volumes",
  ],
  ["--secret db,mode=9", "mode 9 invalid: error parsing secret"],
  ["--mount type=image,dst=/x", 'invalid mount config for type "image": field Source must not be empty'],
  ["--cgroup-parent /a/../..", "invalid cgroup parent: /a/../.."],
  ["--container c", "--container goes with --netdriver container"],
];

describe("errors of a value", () => {
  for (const [words, message] of valueErrors) {
    test(words, async () => {
      const error = await errorOf([...words.split(" "), "busybox"]);
      expect(error.message).toBe(message);
      expect([error.kind, error.exitCode]).toEqual(["usage", 125]);
    });
  }

  test("a seccomp profile that is no JSON", async () => {
    const { message } = await errorOf(["--security-opt", "seccomp=not.json", "busybox"]);
    expect(message).toStartWith("compacting json for seccomp profile (not.json) failed: ");
  });

  test("the nearest name is the hint", async () => {
    expect((await errorOf(["--cap-add", "SYS_ADMI", "busybox"])).hint).toBe("did you mean CAP_SYS_ADMIN?");
    expect((await errorOf(["--memry", "1g", "busybox"])).hint).toBe('did you mean "--memory"?');
  });

  test("no image at all is docker's error about arguments, with exit code 1", async () => {
    const error = await errorOf(["--rm"]);
    expect([error.message, error.exitCode]).toEqual(["requires at least 1 argument", 1]);
  });
});
