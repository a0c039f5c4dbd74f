import type { CommandSpec } from "../command-spec.ts";

/** `bocker logout`: forgets credentials for a registry. */
export const command: CommandSpec = {
  name: "logout",
  aliases: [],
  summary: "Log out from a registry",
  usage: "[SERVER]",
  options: [],
  example: "bocker logout registry.example:5000",
  maxArguments: 1,
  async run(context, parsed) {
    const { logOut, parseServer } = await import("../../engine/login.ts");
    const registry = parseServer(parsed.positionals[0]);
    const shown = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
    context.out.write(`Removing login credentials for ${shown}\n`);
    logOut(registry);
    return 0;
  },
};
