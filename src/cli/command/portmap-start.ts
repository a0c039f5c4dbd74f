import { servePortMap } from "../../engine/port-map-service.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker portmap start`: forwards in userland until it is stopped. */
export const command: CommandSpec = {
  name: "portmap start",
  summary: "Forward ports in userland until stopped",
  usage: "",
  options: [],
  example: "bocker portmap start",
  maxArguments: 0,
  async run(context) {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());
    await servePortMap(await openEngineFor(context), stop.signal, (line) => context.out.write(`${line}\n`));
    return 0;
  },
};
