/**
 * What the network carries, beside docker: iperf3 between two containers, from a container to the host, through a published
 * port by the kernel, and through the loopback address by the monitor or docker-proxy; and what a published port costs a
 * start, also when the host has a thousand of them.
 */
import { measure, median, renderTimings } from "./measure.ts";
import type { Peer } from "./peer.ts";

export interface NetworkBench {
  readonly binary: string;
  readonly env: Readonly<Record<string, string>>;
  readonly peers: readonly Peer[];
  readonly rounds: number;
}

interface Engine {
  readonly name: string;
  readonly argv: readonly string[];
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
}

interface Route {
  readonly name: string;
  /** Of the iperf3 client; absent: the host. */
  readonly from?: string;
  readonly address: string;
  readonly port: number;
}

const containerPort = 5201;
const hostPort = 5299;
const iperfRounds = 3;

/** The tables. */
export async function benchNetwork(bench: NetworkBench): Promise<string> {
  const tables = [await benchThroughput(bench), benchPublishing(bench)];
  return tables.join("\n");
}

async function benchThroughput({ binary, env, peers }: NetworkBench): Promise<string> {
  const engines: Engine[] = [
    { name: "bocker", argv: [binary], image: "busybox", env, port: 5211 },
    ...peers
      .filter(({ name }) => name === "docker")
      .map(({ name, argv, image }) => ({ name, argv, image, env: {}, port: 5212 })),
  ];
  const host = serve(undefined, hostPort);
  const started: Bun.Subprocess[] = [host];
  const results = new Map<string, number[]>();
  try {
    const routes = engines.flatMap((engine) => {
      const { routes: own, server } = startPair(engine);
      started.push(server);
      return own;
    });
    await Bun.sleep(500);
    for (let round = 0; round < iperfRounds; round++) {
      for (const route of routes) results.getOrInsertComputed(route.name, () => []).push(gigabits(route));
    }
  } finally {
    for (const child of started) child.kill("SIGKILL");
    for (const engine of engines) say(engine, "rm", "-f", "iperf-server", "iperf-client");
  }
  const rows = [...results].map(([name, values]) => `| ${name} | ${median(values).toFixed(1)} |`);
  return ["### iperf3, TCP, one stream", "", "| | median Gbit/s |", "|---|---|", ...rows, ""].join("\n");
}

/** A server and a client container, and the ways between them. */
function startPair(engine: Engine): { readonly routes: readonly Route[]; readonly server: Bun.Subprocess } {
  const publish = `${engine.port}:${containerPort}`;
  say(engine, "run", "-d", "--name=iperf-server", "-p", publish, engine.image, "/bin/sleep", "600");
  say(engine, "run", "-d", "--name=iperf-client", engine.image, "/bin/sleep", "600");
  const pid = (name: string) => say(engine, "inspect", "--format={{.State.Pid}}", name);
  const network = (key: string) =>
    say(engine, "inspect", `--format={{range .NetworkSettings.Networks}}{{.${key}}}{{end}}`, "iperf-server");
  const [client, address, gateway] = [pid("iperf-client"), network("IPAddress"), network("Gateway")];
  const name = (way: string) => `${engine.name}: ${way}`;
  return {
    server: serve(pid("iperf-server"), containerPort),
    routes: [
      { name: name("container to container"), from: client, address, port: containerPort },
      { name: name("container to host"), from: client, address: gateway, port: hostPort },
      { name: name("host to published port"), address: gateway, port: engine.port },
      { name: name("host to published port at 127.0.0.1"), address: "127.0.0.1", port: engine.port },
    ],
  };
}

/** What one more published port costs, alone and among a thousand. */
function benchPublishing({ binary, env, rounds }: NetworkBench): string {
  const own: Engine = { name: "bocker", argv: [binary], image: "busybox", env, port: 0 };
  const run = (...options: readonly string[]) => [binary, "run", "--rm", ...options, "busybox", "true"];
  const contestant = (name: string, ...options: readonly string[]) => ({ name, argv: run(...options), env });
  const alone = measure([contestant("run --rm", ...[]), contestant("run --rm -p", "-p", "18080:80")], rounds);
  say(own, "run", "-d", "--name=thousand", "-p", "19000-19999:1000-1999", "busybox", "/bin/sleep", "600");
  const among = measure([contestant("run --rm -p, beside 1,000 published ports", "-p", "18080:80")], rounds);
  say(own, "rm", "-f", "thousand");
  return renderTimings("a published port", [...alone, ...among]);
}

function serve(pid: string | undefined, port: number): Bun.Subprocess {
  const enter = pid === undefined ? [] : ["nsenter", "-t", pid, "-n"];
  return Bun.spawn([...enter, "iperf3", "-s", "-p", String(port)], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
}

function gigabits({ name, from, address, port }: Route): number {
  const enter = from === undefined ? [] : ["nsenter", "-t", from, "-n"];
  const argv = [...enter, "iperf3", "-c", address, "-p", String(port), "-t", "2", "-J"];
  const { stdout } = Bun.spawnSync(argv, { stderr: "ignore" });
  const report = JSON.parse(stdout.toString()) as {
    readonly error?: string;
    readonly end: { readonly sum_received?: { readonly bits_per_second: number } };
  };
  const rate = report.end.sum_received?.bits_per_second;
  if (rate === undefined) throw new Error(`${name}: ${report.error ?? "no result"}`);
  return rate / 1e9;
}

function say({ name, argv, env }: Engine, ...words: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv, ...words], {
    env: { ...process.env, ...env },
  });
  if (exitCode !== 0) throw new Error(`${name} ${words.join(" ")}: ${stderr.toString().trim()}`);
  return stdout.toString().trim();
}
