import { parsePortMapping, parseSelector } from "../../config/port-map-spec.ts";
import { changeMappings } from "../../engine/port-map.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker portmap forward`: mappings by hand; several targets of one port take turns. */
export const command: CommandSpec = {
  name: "portmap forward",
  summary: "Add or delete mappings of host ports by hand",
  usage: "[OPTIONS] [MAPPING...]",
  options: [
    { name: "publish", short: "p", kind: "list", help: "Add [ADDRESS:]PORT:TARGET[:PORT][/PROTOCOL]" },
    { name: "delete", short: "d", kind: "list", help: "Delete a mapping, or all of a port" },
  ],
  example: "bocker portmap forward -p 8080:web:80 -p 8080:web2:80",
  async run(context, parsed) {
    const change = readChange([...parsed.list("publish"), ...parsed.positionals], parsed.list("delete"));
    const isServed = changeMappings(await openEngineFor(context), change);
    if (!isServed && change.added.length > 0)
      context.err.write("the mappings are kept, and served once bocker portmap start runs\n");
    return 0;
  },
};

function readChange(added: readonly string[], removed: readonly string[]) {
  if (added.length + removed.length === 0)
    throw new BockerError("name a mapping to add with -p, or one to delete with -d", { kind: "usage" });
  try {
    return { added: added.map(parsePortMapping), removed: removed.map(parseSelector) };
  } catch (error) {
    throw new BockerError(messageOf(error), { kind: "invalid-config" });
  }
}
