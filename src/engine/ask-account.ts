/**
 * Asks for what `login` was not told, as docker does: a name first, then a password that is not shown.
 */
import { BockerError } from "../errors.ts";
import { askLine, canAsk } from "../terminal/ask-line.ts";
import type { Account } from "./login.ts";

/**
 * `known.username` is taken as it is; `suggested` is what an empty answer means. Throws docker's phrases where there is
 * no terminal and for empty answers.
 */
export async function askAccount(
  known: { readonly username?: string },
  suggested: string | undefined,
  write: (text: string) => void,
): Promise<Account> {
  if (!canAsk()) {
    throw new BockerError("Cannot perform an interactive login from a non TTY device", {
      kind: "unsupported",
      hint: "give --username and --password-stdin",
    });
  }
  const username = known.username ?? (await askName(suggested, write));
  if (username === "") throw new BockerError("Non-null Username Required", { kind: "unauthorized" });
  const password = await askLine("Password: ", true, write);
  if (password === "") throw new BockerError("Password Required", { kind: "unauthorized" });
  return { username, password };
}

async function askName(suggested: string | undefined, write: (text: string) => void): Promise<string> {
  const prompt = suggested === undefined ? "Username: " : `Username (${suggested}): `;
  const answer = (await askLine(prompt, false, write)).trim();
  return answer === "" ? (suggested ?? "") : answer;
}
