/**
 * What stands before the command: global flags, and the `--KEY=VALUE` words of the bash bocker. Pure.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import type { GlobalOptions } from "./command-spec.ts";
import { parseArgv } from "./parse-argv.ts";

export const globalOptionSpecs: readonly OptionSpec[] = [
  {
    name: "config",
    kind: "string",
    help: "Engine configuration file",
    defaultText: '"/etc/bocker/config.toml"',
  },
  { name: "debug", short: "D", kind: "boolean", help: "Say what is done, and show stacks of errors" },
  { name: "help", short: "h", kind: "boolean", help: "Print usage" },
  {
    name: "root",
    kind: "string",
    help: "Directory of images, containers and volumes",
    defaultText: '"/var/lib/bocker"',
  },
  {
    name: "run-root",
    kind: "string",
    help: "Directory of what is valid for one boot",
    defaultText: '"/run/bocker"',
  },
  {
    name: "storage-driver",
    kind: "string",
    help: 'Storage driver for new containers ("overlay", "btrfs", "vfs", "auto")',
    defaultText: '"auto"',
  },
  { name: "version", short: "v", kind: "boolean", help: "Print version information and quit" },
];

export interface GlobalArguments {
  readonly global: GlobalOptions;
  readonly help: boolean;
  readonly version: boolean;
  /** BOCKER_* variables that stood as `--KEY=VALUE`. */
  readonly variables: Readonly<Record<string, string>>;
  /** The command and all that follows. */
  readonly words: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Throws UsageError. */
export function parseGlobalArguments(argv: readonly string[], env: Environment): GlobalArguments {
  const { words: flags, variables } = takeVariables(argv);
  const parsed = parseArgv(flags, { options: globalOptionSpecs, stopAtArgument: true });
  const optional = (name: string, key: string) => {
    const value = parsed.string(name);
    return value === undefined || value === "" ? {} : { [key]: value };
  };
  return {
    global: {
      debug: parsed.boolean("debug") || isSet(variables.BOCKER_DEBUG ?? env.BOCKER_DEBUG),
      ...optional("config", "config"),
      ...optional("root", "root"),
      ...optional("run-root", "runRoot"),
      ...optional("storage-driver", "storageDriver"),
    },
    help: parsed.boolean("help"),
    version: parsed.boolean("version"),
    variables,
    words: parsed.positionals,
  };
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !["", "0", "false"].includes(value);
}

/** `--CPU_SHARE=256` is BOCKER_CPU_SHARE=256, `--X` alone is BOCKER_X=x; only before the command. */
function takeVariables(argv: readonly string[]) {
  const words: string[] = [];
  const variables: Record<string, string> = {};
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    const [, key, , value = "x"] = /^--([A-Z][A-Z0-9_]*)(=([\s\S]*))?$/.exec(word) ?? [];
    if (key !== undefined) {
      variables[`BOCKER_${key}`] = value;
      continue;
    }
    words.push(word);
    if (!word.startsWith("-") || word === "--") {
      words.push(...argv.slice(index + 1));
      break;
    }
    const takesValue = globalOptionSpecs.some(({ kind, name }) => kind === "string" && word === `--${name}`);
    if (takesValue && index + 1 < argv.length) words.push(argv[++index] ?? "");
  }
  return { words, variables };
}
