/** Whole error outputs of the real commands, for words that end before any engine is opened. */
import { test } from "bun:test";
import { runInMemory } from "./cli-golden.ts";
import { expectGolden } from "./compare-golden.ts";

const lines = [
  "foo",
  "rnu busybox",
  "container rn x",
  "--conifg x ps",
  "--config",
  "run",
  "run --foo busybox",
  "run --memroy 1g busybox",
  "run -xit busybox",
  "run -p",
  "run -m x busybox",
  "run -m 5m busybox",
  "run -p foo busybox",
  "run -v a:b:c:d busybox",
  "run -v /a:/x -v /b:/x busybox",
  "run --mount type=bind,dst=/x,sorce=/a busybox",
  "run --cap-add SYS_ADMI busybox",
  "run --name x busybox",
  "run --network host --network web busybox",
  "run -f /nonexistent/web.toml",
  "create --ulimit nofile=5:3 busybox",
  "ps --foo",
  "ps x",
  "exec web",
  "stop -t x web",
  "rm",
  "logs",
  "images a b",
  "kill -s",
];

test("errors of the command line", async () => {
  let page = "";
  for (const line of lines) {
    const { code, out, err } = await runInMemory(line.split(" "));
    page += `$ bocker ${line}\n${out}${err}[exit ${code}]\n\n`;
  }
  expectGolden("errors/command-line.txt", page);
});
