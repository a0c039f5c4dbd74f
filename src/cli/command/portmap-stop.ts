import { stopPortMapService } from "../../engine/port-map.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker portmap stop`: ends the process that forwards. Mappings are kept. */
export const command: CommandSpec = {
  name: "portmap stop",
  summary: "Stop forwarding ports in userland",
  usage: "",
  options: [],
  example: "bocker portmap stop",
  maxArguments: 0,
  async run(context) {
    await stopPortMapService(await openEngineFor(context));
    return 0;
  },
};
