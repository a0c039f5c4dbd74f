/**
 * Which of its roles this process has: the command line, an OCI runtime for other engines, a container's monitor, one
 * check of its health, the keeper of a terminal that its user has left, or the unpacking of an archive.
 *
 * The only place that ends the process. Every role is loaded by itself, so that none pays for another.
 */

import { exit_group } from "../ffi/process.ts";
import { version } from "./cli/build-info.ts";

/** Commands that will need a monitor; it is started first of all, and boots while this process goes on. */
const monitored = new Set(["run", "start"]);

/** By then a process is at work and no longer starting: the executable begins with a JIT that hardly ever compiles. */
const startMs = 200;

async function main(argv: readonly string[]): Promise<number> {
  const [verb = ""] = argv;
  if (verb === "oci" || isOciName(process.argv0)) {
    const { runOci } = await import("./oci/oci-main.ts");
    if (isOciName(process.argv0)) return runOci(argv, { name: "bocker-oci", version });
    return runOci(argv.slice(1), { name: "bocker oci", version });
  }
  if (argv.length === 1 && (verb === "--version" || verb === "-v")) {
    // The whole answer without loading the command line, for scripts that ask only this.
    console.log(`bocker version ${version}`);
    return 0;
  }
  setTimeout(Bun.unsafe.setJITPolicy, startMs, 1).unref();
  if (verb === "monitor") {
    const { runMonitorRole } = await import("./engine/monitor-main.ts");
    return runMonitorRole({});
  }
  if (verb === "layer-apply") {
    Bun.unsafe.setJITPolicy(1);
    const { runLayerApply } = await import("./storage/layer-apply.ts");
    return runLayerApply(argv.slice(1));
  }
  if (verb === "archive-apply") {
    const { runArchiveApply } = await import("./storage/archive-apply.ts");
    return runArchiveApply(argv.slice(1));
  }
  if (verb === "drain") {
    const { drainTerminal } = await import("./monitor/drain-terminal.ts");
    await drainTerminal();
    return 0;
  }
  if (verb === "exec-keeper") {
    const { runExecKeeper } = await import("./engine/exec-keeper.ts");
    return runExecKeeper(argv.slice(1));
  }
  if (verb === "health-check") {
    const { runHealthRole } = await import("./engine/run-health-check.ts");
    return runHealthRole(argv[1] ?? "");
  }
  if (monitored.has(verb)) {
    const { prepareMonitor } = await import("./engine/early-monitor.ts");
    prepareMonitor();
  }
  const { runCommandLine } = await import("./cli/main-loop.ts");
  return runCommandLine(argv);
}

/** Engines are given one path to a runtime, without room for a sub-command: a link of this name is that path. */
function isOciName(argv0: string): boolean {
  return argv0.slice(argv0.lastIndexOf("/") + 1) === "bocker-oci";
}

/**
 * Ends the process at once. All output was written synchronously, and what is still open the kernel closes: leaving it
 * to Bun would close the database, which copies the write-ahead log and waits for the disk three times.
 */
function exit(exitCode: number): never {
  exit_group(exitCode);
  process.exit(exitCode);
}

main(process.argv.slice(2)).then(exit, (error) => {
  console.error(error);
  exit(125);
});
