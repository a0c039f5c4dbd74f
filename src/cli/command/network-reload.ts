import { reloadContainer, reloadNetworks } from "../../engine/reload-networks.ts";
import { BockerError } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker network reload`: after somebody flushed the firewall or deleted a bridge. */
export const command: CommandSpec = {
  name: "network reload",
  summary: "Make firewall rules and links again",
  usage: "[OPTIONS] [CONTAINER...]",
  options: [{ name: "all", short: "a", kind: "boolean", help: "All containers that run (the default)" }],
  example: "bocker network reload",
  async run(context, parsed) {
    if (parsed.boolean("all") && parsed.positionals.length > 0)
      throw new BockerError("conflicting options: --all goes without containers", { kind: "usage" });
    const engine = await openEngineFor(context);
    const running = await reloadNetworks(engine);
    const names = parsed.positionals.length > 0 ? parsed.positionals : running.map(({ id }) => id);
    return forEachContainer(context, names, (name) => reloadContainer(engine, name));
  },
};
