/**
 * Which of its three roles this process has: the command line, a container's monitor, or the unpacking of a layer.
 *
 * The only place that ends the process. Every role is loaded by itself, so that none pays for another.
 */

/** Commands that will need a monitor; it is started first of all, and boots while this process goes on. */
const monitored = new Set(["run", "start"]);

async function main(argv: readonly string[]): Promise<number> {
  const [verb = ""] = argv;
  if (verb === "monitor") {
    const { runMonitorRole } = await import("./engine/monitor-main.ts");
    return runMonitorRole({});
  }
  if (verb === "layer-apply") {
    const { runLayerApply } = await import("./storage/layer-apply.ts");
    return runLayerApply(argv.slice(1));
  }
  if (monitored.has(verb)) {
    const { prepareMonitor } = await import("./engine/early-monitor.ts");
    prepareMonitor();
  }
  const { runProcess } = await import("./cli/run-process.ts");
  return runProcess(argv);
}

main(process.argv.slice(2)).then(
  (exitCode) => process.exit(exitCode),
  (error) => {
    console.error(error);
    process.exit(125);
  },
);
