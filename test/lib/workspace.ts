/**
 * A private bocker for one test: its own state and runtime directories, bridge, subnet, cgroup parent and
 * firewall table. Disposing it removes its containers and fails the test when anything is left on the host.
 *
 *     await using bocker = openWorkspace();
 *     const { stdout } = await bocker.run("run", "--rm", "busybox", "echo", "hi");
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "./bocker-binary.ts";
import { leftovers, takeHostSnapshot } from "./host-snapshot.ts";
import { openTerminal, type TerminalSession } from "./terminal-session.ts";

export interface Outcome {
  readonly exitCode: number;
  /** Set when a signal ended the CLI itself. */
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array;
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array | "inherit";
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The CLI is killed after this; 30 s unless given. */
  readonly timeoutMs?: number;
}

export interface Workspace extends AsyncDisposable {
  /** A directory for the test's own files; removed at the end. */
  readonly directory: string;
  readonly root: string;
  readonly runRoot: string;
  readonly bridge: string;
  /** `10.x.y`, the first three bytes of the default network's addresses. */
  readonly subnetPrefix: string;
  readonly cgroupParent: string;
  readonly configFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command to its end with standard input closed. */
  run(...words: readonly string[]): Promise<Outcome>;
  runWith(options: RunOptions, ...words: readonly string[]): Promise<Outcome>;
  /** Runs one command that must succeed; returns its standard output, trimmed. */
  ok(...words: readonly string[]): Promise<string>;
  /** Starts one command with pipes and leaves it running; the caller waits for it. */
  spawn(words: readonly string[], options?: RunOptions): Bun.Subprocess<"pipe", "pipe", "pipe">;
  /** Starts one command on a pseudo-terminal of 24 rows by 80 columns. */
  terminal(...words: readonly string[]): TerminalSession;
  /** `inspect C`, its one object. */
  // biome-ignore lint/suspicious/noExplicitAny: docker's JSON, whose paths each test asserts.
  inspect(name: string): Promise<any>;
  /**
   * Lines that are on the host now and were not when the workspace was opened; the bridge and table aside. Looks
   * again for ten seconds: the kernel and an orphaned monitor take a moment to go. What is expected is left out.
   */
  leftovers(isExpected?: (line: string) => boolean): Promise<string[]>;
}

let opened = 0;

export interface WorkspaceOptions {
  /** TOML for the end of the private stand-in for /etc/bocker/config.toml. */
  readonly engineConfig?: string;
  /** Lines before the first table. */
  readonly engineHead?: string;
  /** False: no configuration file is named, and the default bridge and table are used. */
  readonly configured?: boolean;
}

/** Opens a workspace with a bridge, a subnet, a cgroup parent and a firewall table of its own. */
export function openWorkspace({
  engineConfig = "",
  engineHead = "",
  configured = true,
}: WorkspaceOptions = {}): Workspace {
  const binary = bockerBinary();
  const directory = mkdtempSync("/tmp/bocker-test-");
  chmodSync(directory, 0o755);
  const tag = makeTag();
  const place = (process.pid * 31 + opened++) % (120 * 250);
  const subnetPrefix = `10.${100 + Math.floor(place / 250)}.${place % 250}`;
  const bridge = `bkt${tag}`;
  const cgroupParent = `bocker-test-${tag}`;
  const table = `bkt${tag}`;
  const root = join(directory, "state");
  const runRoot = join(directory, "run");
  const configFile = join(directory, "engine.toml");
  mkdirSync(root);
  mkdirSync(runRoot);
  writeFileSync(
    configFile,
    [
      `cgroup-parent = "${cgroupParent}"`,
      engineHead,
      "[network]",
      `bridge = "${bridge}"`,
      `subnet = "${subnetPrefix}.0/24"`,
      `table = "${table}"`,
      engineConfig,
      "",
    ].join("\n"),
  );
  const marks = [directory, bridge, cgroupParent, table];
  const before = takeHostSnapshot(marks);
  const env = {
    PATH: process.env.PATH ?? "/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: directory,
    TERM: "xterm",
    BOCKER_ROOT: root,
    BOCKER_RUN: runRoot,
    ...(configured ? { BOCKER_CONFIG: configFile } : {}),
  };

  const spawn = (
    words: readonly string[],
    options: RunOptions = {},
  ): Bun.Subprocess<"pipe", "pipe", "pipe"> =>
    Bun.spawn([binary, ...words], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      env: { ...env, ...options.env },
      cwd: options.cwd ?? directory,
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });

  const runWith = async (options: RunOptions, ...words: readonly string[]): Promise<Outcome> => {
    const child = spawn(words, options);
    const feeding = feed(child, options.stdin);
    const [stdoutBytes, stderr] = await Promise.all([child.stdout.bytes(), child.stderr.text(), feeding]);
    const exitCode = await child.exited;
    return {
      exitCode,
      signal: child.signalCode === null ? null : String(child.signalCode),
      stdout: new TextDecoder().decode(stdoutBytes),
      stderr,
      stdoutBytes,
    };
  };

  const ok = async (...words: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runWith({}, ...words);
    if (exitCode !== 0) throw new Error(`bocker ${words.join(" ")}: exit ${exitCode}: ${stderr}`);
    return stdout.trimEnd();
  };

  const newLines = (): string[] =>
    leftovers(before, takeHostSnapshot(marks)).filter(
      (line) => !isExpectedToStay(line, directory, bridge, table),
    );

  return {
    directory,
    root,
    runRoot,
    bridge,
    subnetPrefix,
    cgroupParent,
    configFile,
    env,
    run: (...words) => runWith({}, ...words),
    runWith,
    ok,
    spawn,
    terminal: (...words) => openTerminal([binary, ...words], { env, cwd: directory }),
    inspect: async (name) => JSON.parse(await ok("inspect", name))[0],
    leftovers: (isExpected = () => false) => settled(() => newLines().filter((line) => !isExpected(line))),
    async [Symbol.asyncDispose]() {
      const ids = (await runWith({}, "ps", "-aq", "--no-trunc")).stdout.split("\n").filter((id) => id !== "");
      const removal = ids.length > 0 ? await runWith({}, "rm", "-f", "-v", ...ids) : undefined;
      await runWith({}, "network", "prune", "-f");
      const left = await settled(newLines);
      killMarked(left);
      removeNetwork(bridge, table);
      removeCgroupParents(cgroupParent);
      rmSync(directory, { recursive: true, force: true });
      if (removal !== undefined && removal.exitCode !== 0) throw new Error(`rm -f failed: ${removal.stderr}`);
      if (left.length > 0) throw new Error(`left on the host:\n  ${left.join("\n  ")}`);
    },
  };
}

/** Eight letters that are good for the name of an interface, a cgroup and a firewall table. */
function makeTag(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) =>
    String.fromCharCode(97 + (byte % 26)),
  ).join("");
}

async function feed(
  child: Bun.Subprocess<"pipe", "pipe", "pipe">,
  input: RunOptions["stdin"],
): Promise<void> {
  try {
    if (input !== undefined && input !== "inherit") child.stdin.write(input);
    await child.stdin.end();
  } catch (error) {
    // The command may end without reading its input.
    if ((error as { code?: string }).code !== "EPIPE") throw error;
  }
}

/** The default bridge, its table and the empty cgroup parents belong to the engine and stay; we remove them. */
function isExpectedToStay(line: string, directory: string, bridge: string, table: string): boolean {
  return (
    line === `temporary ${directory}` ||
    line === `link ${bridge} master -` ||
    line.startsWith(`nft ${table}:`) ||
    /^cgroup \S*\/bocker-test-[a-z0-9]+$/.test(line)
  );
}

/** Looks until nothing is left, for ten seconds: the kernel takes a dead namespace's veth apart a moment later. */
async function settled(look: () => string[]): Promise<string[]> {
  for (let tries = 0; tries < 200; tries++) {
    if (look().length === 0) return [];
    await Bun.sleep(50);
  }
  return look();
}

/** Ends processes that the snapshot blamed on this workspace, so that a failed test does not spoil the next. */
function killMarked(lines: readonly string[]): void {
  for (const line of lines) {
    const pid = /^process (\d+) /.exec(line)?.[1];
    if (pid === undefined) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

function removeNetwork(bridge: string, table: string): void {
  if (existsSync(`/sys/class/net/${bridge}`))
    Bun.spawnSync(["ip", "link", "del", bridge], { stderr: "ignore" });
  for (const family of ["inet", "ip"]) {
    Bun.spawnSync(["nft", "delete", "table", family, table], { stdout: "ignore", stderr: "ignore" });
  }
}

/** Removes the parents in every hierarchy, once their containers' groups are gone. */
function removeCgroupParents(parent: string): void {
  const roots = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .filter((line) => / cgroup2? /.test(line))
    .map((line) => line.split(" ")[1] ?? "");
  const found = roots.map((root) => join(root, parent)).filter((path) => existsSync(path));
  if (found.length > 0) Bun.spawnSync(["rmdir", ...found], { stderr: "ignore" });
}
