/** Reading a page's examples, and when what they print is what the page shows. */
import { describe, expect, test } from "bun:test";
import { expectShown, normalise, type PageNames, readSteps, withPrinted } from "../../lib/page-session.ts";

const stage: PageNames = {
  names: [
    ["/var/lib/bocker", "/tmp/x/state"],
    ["8080", "41234"],
    ["172.30.0.", "10.101.7."],
  ],
};

const page = `text
\`\`\`console
$ bocker run -d web
0123456789ab
$ cat > f <<END
> a = "$ b"
> END
$ false
$ echo $?
1
\`\`\`
\`\`\`sh
$ not this
\`\`\`
`;

test("steps are commands with their lines, and the words that belong to them", () => {
  expect(readSteps(page)).toEqual([
    { command: "bocker run -d web", shown: ["0123456789ab"] },
    { command: 'cat > f <<END\na = "$ b"\nEND', shown: [] },
    { command: "false", shown: [] },
    { command: "echo $?", shown: ["1"] },
  ]);
});

describe("what counts as equal", () => {
  const same: readonly (readonly [string, string])[] = [
    ["0123456789ab", "ba9876543210"],
    ["Up 5 seconds", "Up 2 minutes"],
    ["Up 5 seconds", "Up Less than a second"],
    ["3.1MB of 64MiB (5%)", "200KiB of 64MiB (0.31%)"],
    ["172.30.0.2", "10.101.7.2"],
    ["172.30.1.2", "172.29.4.2"],
    ["2026-11-21T13:00:00.1Z x", "2027-01-01T00:00:00Z x"],
    ["/var/lib/bocker/volume", "/tmp/x/state/volume"],
    ["0.0.0.0:8080->80/tcp", "0.0.0.0:41234->80/tcp"],
    ["NAME   ID", "NAME       ID"],
  ];
  for (const [shown, printed] of same) {
    test(`${shown} = ${printed}`, () => expect(normalise(shown, stage)).toBe(normalise(printed, stage)));
  }

  const check = (shown: readonly string[], lines: readonly string[]) => () =>
    expectShown({ command: "x", shown, lines, exitCode: 0 }, stage);

  test("… stands for lines, or for text within one", () => {
    check(["…", "b"], ["a", "a", "b"])();
    check(["a", "…"], ["a", "b"])();
    check(["a", "…"], ["a"])();
    check(["a … c"], ["a (b) c"])();
    check([], ["whatever"])();
  });

  test("anything else is a failure", () => {
    expect(check(["a"], ["b"])).toThrow();
    expect(check(["a"], ["a", "b"])).toThrow();
    expect(check(["a", "b"], ["a"])).toThrow();
    expect(check(["b", "a"], ["a", "b"])).toThrow();
    expect(check(["a.c"], ["abc"])).toThrow();
    expect(check(["a", "…", "c"], ["a", "b"])).toThrow();
    expect(check(["Exited (1)"], ["Exited (2)"])).toThrow();
  });
});

test("what was printed takes the place of what was shown", () => {
  const step = { command: "echo $?", shown: ["1"], lines: ["see /tmp/x/state", "on 41234"], exitCode: 0 };
  expect(withPrinted(page, step, stage)).toContain("$ echo $?\nsee /var/lib/bocker\non 8080\n```");
});
