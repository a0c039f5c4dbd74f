import { readFileSync } from "node:fs";
import { loadEngineSettings } from "../../config/engine-settings.ts";
import type { Account } from "../../engine/login.ts";
import { BockerError, messageOf } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** `bocker login`: proves and remembers credentials for a registry. */
export const command: CommandSpec = {
  name: "login",
  aliases: [],
  summary: "Authenticate to a registry",
  usage: "[OPTIONS] [SERVER]",
  options: [
    { name: "password", short: "p", kind: "string", help: "Password or Personal Access Token (PAT)" },
    {
      name: "password-stdin",
      kind: "boolean",
      help: "Take the Password or Personal Access Token (PAT) from stdin",
    },
    { name: "username", short: "u", kind: "string", help: "Username" },
  ],
  example: "bocker login -u ann --password-stdin registry.example:5000",
  maxArguments: 1,
  run: logInWith,
};

async function logInWith(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const given = givenAccount(context, parsed);
  const { registries } = await loadEngineSettings(context.global, context.env);
  const engine = await import("../../engine/login.ts");
  const registry = engine.parseServer(parsed.positionals[0]);
  const say = (text: string) => context.err.write(text);
  const known = given.username === undefined && given.password === undefined;
  const remembered = known ? engine.rememberedCredential(registry) : undefined;
  const name = remembered?.kind === "password" ? remembered.username : undefined;
  if (remembered !== undefined) {
    say(`Authenticating with existing credentials...${name === undefined ? "" : ` [Username: ${name}]`}\n`);
    try {
      await engine.proveCredential(registries, registry, remembered);
      context.out.write("Login Succeeded\n");
      return 0;
    } catch (error) {
      say(`Login did not succeed, error: ${messageOf(error)}\n`);
    }
  }
  const account = await completeAccount(given, name, say);
  const { clearIn } = await engine.logIn(registries, registry, account);
  if (clearIn !== undefined) say(unencryptedWarning(clearIn));
  context.out.write("Login Succeeded\n");
  return 0;
}

type GivenAccount = { readonly [Key in keyof Account]?: string };

/** Throws docker's phrases for flags that exclude or need each other. */
function givenAccount(context: CommandContext, parsed: ParsedArguments): GivenAccount {
  const username = parsed.string("username") || undefined;
  const password = parsed.string("password") || undefined;
  const fromStdin = parsed.boolean("password-stdin");
  const refuse = (message: string) => new BockerError(message, { kind: "unsupported" });
  if (password !== undefined) {
    context.err.write("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
    if (fromStdin) throw refuse("--password and --password-stdin are mutually exclusive");
  }
  if (fromStdin && username === undefined) throw refuse("Must provide --username with --password-stdin");
  const read = fromStdin ? readFileSync(0, "utf8").replace(/\r?\n$/, "") : password;
  return {
    ...(username === undefined ? {} : { username: username.trim() }),
    ...(read === undefined ? {} : { password: read }),
  };
}

async function completeAccount(
  { username, password }: GivenAccount,
  suggested: string | undefined,
  write: (text: string) => void,
): Promise<Account> {
  if (password === "") throw new BockerError("Password Required", { kind: "unauthorized" });
  if (username !== undefined && password !== undefined) return { username, password };
  const { askAccount } = await import("../../engine/ask-account.ts");
  return askAccount(username === undefined ? {} : { username }, suggested, write);
}

function unencryptedWarning(path: string): string {
  return (
    `\nWARNING! Your credentials are stored unencrypted in '${path}'.\n` +
    "Configure a credential helper to remove this warning. See\n" +
    "https://docs.docker.com/go/credential-store/\n\n"
  );
}
