/**
 * A throw-away machine: QEMU under software emulation, Debian's kernel, an initramfs of our own, no disk, no network card.
 * For what this host is not: pure cgroup v2, pure v1, no cgroups at all, and a root that is an initramfs.
 *
 *     await using machine = await bootMachine({ root: "initramfs", cgroup: "none" });
 *     const { stdout } = await machine.run("bocker run --rm --network none busybox echo hi");
 *
 * test/setup.sh brings what is needed. A boot takes three seconds, everything inside ten times as long as outside.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { repositoryRoot } from "../lib/source-tree.ts";
import { makeInitramfs } from "./initramfs.ts";

export interface MachineOptions {
  /** `initramfs`: the boot archive itself, which cannot be pivoted away from. `tmpfs`: after switch_root. */
  readonly root: "initramfs" | "tmpfs";
  readonly cgroup: "v2" | "v1" | "hybrid" | "none";
  /** Programs of this host, by name or path, that are put into /bin, over busybox's. */
  readonly programs?: readonly string[];
  readonly memoryMb?: number;
}

export interface GuestOutcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Machine extends AsyncDisposable {
  /** Runs a script with busybox's sh, as root, standard input empty. One at a time. */
  run(script: string): Promise<GuestOutcome>;
  /** Runs a script that must succeed; its standard output, trimmed. */
  ok(script: string): Promise<string>;
}

/** Debian's kernel as test/vm/fetch-kernel.sh leaves it. */
export interface GuestKernel {
  readonly version: string;
  readonly image: string;
  /** `lib/modules/VERSION` is below it. */
  readonly moduleRoot: string;
}

/** The kernel and the emulator are those of x86-64, and so must be the executable under test. */
export const canBoot = process.arch === "x64";

/** Generous: a machine of two cores may be busy with ten other things. */
const lifetimeMs = 600_000;

/** Boots a machine and waits until it takes scripts. Errors: no QEMU, no kernel, the end of its console if it dies. */
export async function bootMachine(options: MachineOptions): Promise<Machine> {
  const directory = mkdtempSync("/tmp/bocker-vm-");
  const stop = async (): Promise<void> => {
    guest?.kill("SIGKILL");
    await guest?.exited;
    rmSync(directory, { recursive: true, force: true });
  };
  let guest: Guest | undefined;
  try {
    guest = startGuest(options, directory);
    const answer = answersOf(guest, directory);
    while ((await answer()) !== "ready");
    return { ...dialogueWith(guest, answer), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Guest = Bun.Subprocess<"pipe", "pipe", "pipe">;

function startGuest(options: MachineOptions, directory: string): Guest {
  const [archive, stage] = [join(directory, "initramfs"), join(directory, "stage")];
  const kernel = loadKernel();
  makeInitramfs(archive, stage, kernel, bockerBinary(), options.programs ?? []);
  rmSync(stage, { recursive: true });
  return Bun.spawn(qemuCommand(options, kernel, archive, consoleIn(directory)), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: lifetimeMs,
    killSignal: "SIGKILL",
  });
}

function consoleIn(directory: string): string {
  return join(directory, "console");
}

/** Each call gives the next line. */
function answersOf(guest: Guest, directory: string): () => Promise<string> {
  const lines = readLines(guest.stdout);
  return async () => {
    const { value } = await lines.next();
    if (value !== undefined) return value;
    const said = `${await guest.stderr.text()}${readFileSync(consoleIn(directory), "utf8").slice(-2000)}`;
    throw new Error(`the machine has died: ${said}`);
  };
}

/** A script that a test no longer waits for is waited for here: answers come in order. */
function dialogueWith(guest: Guest, answer: () => Promise<string>): Pick<Machine, "run" | "ok"> {
  let last: Promise<unknown> = Promise.resolve();
  const send = async (script: string): Promise<GuestOutcome> => {
    guest.stdin.write(`${Buffer.from(script).toString("base64")}\n`);
    await guest.stdin.flush();
    return parseAnswer(await answer());
  };
  const run = (script: string): Promise<GuestOutcome> => {
    const outcome = last.then(() => send(script));
    last = outcome.catch(() => undefined);
    return outcome;
  };
  return {
    run,
    async ok(script) {
      const { exitCode, stdout, stderr } = await run(script);
      if (exitCode !== 0) throw new Error(`${script}: exit ${exitCode}: ${stdout}${stderr}`);
      return stdout.trimEnd();
    },
  };
}

function loadKernel(): GuestKernel {
  const directory = join(repositoryRoot, "build/vm");
  if (!existsSync(join(directory, "version")))
    throw new Error("no kernel to boot: run test/vm/fetch-kernel.sh");
  const version = readFileSync(join(directory, "version"), "utf8").trim();
  const moduleRoot = join(directory, "unpacked");
  return { version, moduleRoot, image: join(moduleRoot, `boot/vmlinuz-${version}`) };
}

/** The console goes to a file, the second serial line is QEMU's standard input and output. */
function qemuCommand(
  { root, cgroup, memoryMb = 1024 }: MachineOptions,
  { image }: GuestKernel,
  archive: string,
  console: string,
): string[] {
  const words = [
    "console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off audit=0 cryptomgr.notests no_timer_check",
    `random.trust_cpu=on vm.root=${root} vm.cgroup=${cgroup}`,
  ];
  return [
    ...["qemu-system-x86_64", "-machine", "pc,usb=off,vmport=off,graphics=off,hpet=off", "-nodefaults"],
    ...[
      "-no-user-config",
      "-display",
      "none",
      "-no-reboot",
      "-accel",
      "tcg,thread=multi",
      "-cpu",
      "max,la57=off",
    ],
    ...[
      "-smp",
      "2",
      "-m",
      String(memoryMb),
      "-kernel",
      image,
      "-initrd",
      archive,
      "-append",
      words.join(" "),
    ],
    ...["-serial", `file:${console}`, "-serial", "stdio"],
  ];
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.replace("\r", "");
  }
  return undefined;
}

/** `STATUS BASE64 BASE64`; what is empty leaves two blanks. */
function parseAnswer(line: string): GuestOutcome {
  const [status = "", stdout = "", stderr = ""] = line.split(" ");
  const text = (base64: string): string => Buffer.from(base64, "base64").toString();
  return { exitCode: Number(status), stdout: text(stdout), stderr: text(stderr) };
}
