import { loadEngineSettings } from "../../config/engine-settings.ts";
import { execInBackground } from "../../engine/exec-background.ts";
import { execInContainer } from "../../engine/exec-container.ts";
import { passSettingsOn } from "../../engine/take-monitor.ts";
import { BockerError } from "../../errors.ts";
import { checkInputTerminal } from "../../terminal/run-attached.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { detachKeysOf, detachKeysOption } from "../detach-keys-option.ts";
import { openEngineWith, requireRoot } from "../engine-of.ts";
import { checkEnvironmentWord, readEnvironment } from "../exec-environment.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { attachAndWait, attachRequestFor } from "../run-session.ts";

/** `bocker exec`: a further process in a running container. */
export const command: CommandSpec = {
  name: "exec",
  aliases: ["container exec"],
  summary: "Execute a command in a running container",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  options: [
    { name: "detach", short: "d", kind: "boolean", help: "Detached mode: run command in the background" },
    detachKeysOption,
    {
      name: "env",
      short: "e",
      kind: "list",
      help: "Set environment variables",
      check: checkEnvironmentWord,
    },
    { name: "env-file", kind: "list", help: "Read in a file of environment variables" },
    { name: "interactive", short: "i", kind: "boolean", help: "Keep STDIN open even if not attached" },
    {
      name: "preserve-fds",
      kind: "int",
      help: "Pass N more of the caller's descriptors on, from number 3 up",
      placeholder: "N",
      check: checkDescriptorCount,
    },
    { name: "privileged", kind: "boolean", help: "Give extended privileges to the command" },
    { name: "tty", short: "t", kind: "boolean", help: "Allocate a pseudo-TTY" },
    {
      name: "user",
      short: "u",
      kind: "string",
      help: 'Username or UID (format: "<name|uid>[:<group|gid>]")',
    },
    { name: "workdir", short: "w", kind: "string", help: "Working directory inside the container" },
  ],
  rewrites: { "--it": ["-i", "-t"], "--ti": ["-i", "-t"] },
  example: "bocker exec -it web sh",
  minArguments: 2,
  stopAtArgument: true,
  run: execCommand,
};

async function execCommand(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const passed = await passedWith(parsed);
  const settings = await loadEngineSettings(context.global, context.env);
  const [container = "", ...words] = parsed.positionals;
  const args = words[0] === "--" ? words.slice(1) : words;
  const keys = detachKeysOf(parsed);
  const detach = parsed.boolean("detach");
  const wanted = { tty: parsed.boolean("tty"), interactive: parsed.boolean("interactive") && !detach };
  const request = attachRequestFor(wanted, []);
  if (!detach) checkInputTerminal({ stdin: request.stdin, tty: wanted.tty });
  const workdir = parsed.string("workdir");
  const user = parsed.string("user");
  const asked = {
    container,
    args,
    ...wanted,
    env: readEnvironment(context, parsed),
    privileged: parsed.boolean("privileged"),
    ...(workdir ? { workdir } : {}),
    ...(user === undefined ? {} : { user }),
    ...(request.size === undefined ? {} : { size: request.size }),
    ...(passed && { passed }),
  };
  if (detach) {
    requireRoot();
    passSettingsOn(context.global);
    execInBackground(asked);
    return 0;
  }
  const session = await execInContainer(openEngineWith(settings), asked);
  const noted = { detached: () => session.noteDetach() };
  return attachAndWait(session, request, { ...wanted, sigProxy: false, ...keys, ...noted });
}

/** Looked for before anything of this process's own is open. */
async function passedWith(parsed: ParsedArguments): Promise<Readonly<Record<string, number>> | undefined> {
  const count = parsed.int("preserve-fds") ?? 0;
  if (count === 0) return undefined;
  if (parsed.boolean("detach")) {
    throw new BockerError("conflicting options: cannot specify both --detach and --preserve-fds", {
      kind: "usage",
    });
  }
  return (await import("../../host/passed-descriptor.ts")).findPassed(count);
}

function checkDescriptorCount(text: string): void {
  if (text.startsWith("-")) throw new Error("it must not be negative");
}
