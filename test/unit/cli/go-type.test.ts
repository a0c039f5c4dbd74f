/** Templates over docker's types: what docker 28 prints of the same objects. */
import { describe, expect, test } from "bun:test";
import { parseFormat } from "../../../src/cli/format.ts";
import { goView } from "../../../src/cli/go-type.ts";

const container = {
  Id: "0123",
  Args: [],
  State: { Status: "running", Running: true, Pid: 7, ExitCode: 0 },
  HostConfig: {
    Binds: null,
    LogConfig: { Type: "json-file", Config: {} },
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8099" }] },
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    CapAdd: null,
    Dns: [],
    NanoCpus: 5,
    MemorySwappiness: null,
    PidsLimit: 9,
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nn", CgroupPermissions: "rwm" }],
    Ulimits: [{ Name: "nofile", Hard: 2048, Soft: 1024 }],
  },
  Mounts: [
    {
      Type: "bind",
      Source: "/tmp",
      Destination: "/x",
      Mode: "ro",
      RW: false,
      Propagation: "rslave",
    },
  ],
  Config: {
    Env: null,
    ExposedPorts: { "80/tcp": {} },
    Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 2_000_000_000 },
    Labels: { a: "b" },
  },
  NetworkSettings: {
    Ports: { "99/tcp": null },
    SecondaryIPAddresses: null,
    Networks: { bridge: { IPAMConfig: null, Aliases: null, IPAddress: "10.0.0.2" } },
  },
  Extra: { a: null },
};

function render(template: string, object: unknown = container): string {
  return parseFormat(template, { isStrict: true, viewOf: goView }).render(object);
}

const outputs: readonly (readonly [string, string])[] = [
  ["{{.HostConfig.Ulimits}}", "[nofile=1024:2048]"],
  [
    '{{printf "%s %v" .HostConfig.Ulimits (index .HostConfig.Ulimits 0)}}',
    "[nofile=1024:2048] nofile=1024:2048",
  ],
  ["{{json .HostConfig.Ulimits}}", '[{"Name":"nofile","Hard":2048,"Soft":1024}]'],
  ["{{.Mounts}}", "[{bind  /tmp /x  ro false rslave}]"],
  ["{{range .Mounts}}{{.Name}}|{{.Type}}{{end}}", "|bind"],
  ["{{.HostConfig.PortBindings}}", "map[80/tcp:[{ 8099}]]"],
  ["{{.HostConfig.RestartPolicy}} {{.HostConfig.LogConfig}}", "{on-failure 3} {json-file map[]}"],
  ["{{.HostConfig.Binds}} {{.HostConfig.CapAdd}} {{.Config.Env}} {{.Args}}", "[] [] [] []"],
  ["{{json .HostConfig.Binds}} {{json .Args}}", "null []"],
  ["{{len .HostConfig.Binds}}{{range .HostConfig.Binds}}x{{end}}{{if .HostConfig.Binds}}y{{end}}", "0"],
  ["{{.HostConfig.Devices}}", "[{/dev/null /dev/nn rwm}]"],
  ["{{.HostConfig.MemorySwappiness}} {{.HostConfig.PidsLimit}} {{.HostConfig.Init}}", "<nil> 9 <nil>"],
  [
    "{{.HostConfig.NanoCPUs}} {{.HostConfig.NanoCpus}} {{.HostConfig.DNS}} {{.ID}} {{.Id}}",
    "5 5 [] 0123 0123",
  ],
  ["{{.HostConfig.Sysctls}} {{.HostConfig.Runtime}}|", "map[] |"],
  ["{{.Config.ExposedPorts}} {{.Config.Volumes}}", "map[80/tcp:{}] map[]"],
  ["{{.Config.Healthcheck}}", "{[CMD-SHELL true] 2s 0s 0s 0s 0}"],
  ['{{.Config.Healthcheck.Interval}} {{printf "%d" .Config.Healthcheck.Interval}}', "2s 2000000000"],
  ['{{.Config.Labels}} {{.Config.Labels.zz}} {{index .Config.Labels "zz"}}|', "map[a:b] <no value> |"],
  ["{{.State.Health}} {{if .State.Health}}x{{else}}none{{end}}", "<nil> none"],
  ["{{eq .State.Health nil}} {{json .State.Health}}", "true null"],
  ["{{.NetworkSettings.Ports}} {{.NetworkSettings.SecondaryIPAddresses}}", "map[99/tcp:[]] []"],
  ["{{.NetworkSettings.Networks.nope.IPAddress}}", "<no value>"],
  [
    "{{range $n, $e := .NetworkSettings.Networks}}{{$n}} {{$e.IPAddress}} {{$e.Aliases}}{{end}}",
    "bridge 10.0.0.2 []",
  ],
  ["{{.State}}", "{running true false false false false 7 0    <nil>}"],
  ["{{.Extra}} {{.Extra.a}}", "map[a:<nil>] <no value>"],
];

describe("a container", () => {
  for (const [template, text] of outputs) test(template, () => expect(render(template)).toBe(text));
});

/** Where the types do not have it either, the JSON says what is wrong. */
const errors: readonly (readonly [string, string])[] = [
  ["{{.State.Health.Status}}", '<.State.Health.Status>: map has no entry for key "Health"'],
  ["{{.Nope}}", '<.Nope>: map has no entry for key "Nope"'],
  ["{{.State.Pid.X}}", "<.State.Pid.X>: can't evaluate field X in type interface {}"],
  ["{{index .Mounts 1}}", "<index .Mounts 1>: error calling index: reflect: slice index out of range"],
  ["{{index .Mounts 2}}", "<index .Mounts 2>: error calling index: index out of range: 2"],
];

describe("what is not there", () => {
  for (const [template, message] of errors)
    test(template, () => expect(() => render(template)).toThrow(message));
});

test("images, networks and volumes have types too, other objects are JSON", () => {
  const image = { Id: "sha256:1", RepoDigests: null, RootFS: { Type: "layers", Layers: ["sha256:2"] } };
  expect(render("{{.ID}} {{.RepoDigests}} {{.RootFS}} {{.Variant}}|", image)).toBe(
    "sha256:1 [] {layers [sha256:2]} |",
  );
  const network = {
    Name: "n",
    Created: "2026-01-02T03:04:05.25Z",
    IPAM: { Driver: "default", Options: null, Config: [{ Subnet: "10.0.0.0/16" }] },
  };
  expect(render("{{.Created}} {{.IPAM}} {{.Containers}}", network)).toBe(
    "2026-01-02 03:04:05.25 +0000 UTC {default map[] [{10.0.0.0/16   map[]}]} map[]",
  );
  const volume = { Name: "v", Mountpoint: "/v", Labels: null };
  expect(render("{{.Name}} {{.Labels}} {{.Status}} {{.UsageData}}", volume)).toBe("v map[] map[] <nil>");
  expect(() => render("{{.Nope}}", { Spec: {} })).toThrow('map has no entry for key "Nope"');
});
