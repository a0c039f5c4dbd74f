import { expect, test } from "bun:test";
import { openTerminal } from "../../lib/terminal-session.ts";

const env = { PATH: process.env.PATH ?? "", PS1: "$ " };

test("types, waits in order, and sees the exit code", async () => {
  await using session = openTerminal(["sh", "-c", 'read a; echo "got $a"; read b; echo "got $b"; exit 7'], {
    env,
    cwd: "/",
  });
  session.type("one\n");
  expect((await session.waitFor(/got (\w+)/))[1]).toBe("one");
  session.type("two\n");
  expect((await session.waitFor(/got (\w+)/))[1]).toBe("two");
  expect(await session.exited).toBe(7);
});

test("has the size it was given, and tells of a new one", async () => {
  await using session = openTerminal(
    ["sh", "-c", "trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.01; done"],
    {
      env,
      cwd: "/",
    },
  );
  await session.waitFor("24 80");
  session.resize(100, 30);
  await session.waitFor("30 100");
});

test("says what was on the screen when something does not appear", async () => {
  await using session = openTerminal(["sh", "-c", "echo here; sleep 5"], { env, cwd: "/" });
  await session.waitFor("he");
  await expect(session.waitFor("absent", 100)).rejects.toThrow(/absent.* did not appear.*"re/);
});
