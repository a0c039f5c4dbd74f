/**
 * What callers of newer runtimes ask for: a pidfd over a socket, one personality for all processes, masks that are named
 * twice. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { isRoot, type OciLab, openOciLab } from "../lib/oci-bundle.ts";

/** Takes one descriptor, prints the pid behind it, and kills that process through it. */
const receiver = `
import array, os, re, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
peer, _ = server.accept()
_, ancillary, _, _ = peer.recvmsg(64, 1024)
pidfd = array.array("i", ancillary[0][2])[0]
print(re.search(r"Pid:\\s+(\\d+)", open(f"/proc/self/fdinfo/{pidfd}").read())[1])
signal.pidfd_send_signal(pidfd, signal.SIGKILL)
`;

/** Does something with the path of a socket that gets a pidfd; the pid that was behind it, which has been killed. */
async function handedTo(lab: OciLab, use: (socket: string) => Promise<unknown>): Promise<number> {
  const socket = join(lab.directory, "pidfd.sock");
  rmSync(socket, { force: true });
  const child = Bun.spawn(["python3", "-c", receiver, socket], { stdout: "pipe", timeout: 20_000 });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const more = async (): Promise<boolean> => {
    const { value, done } = await reader.read();
    text += value ?? "";
    return !done;
  };
  while (!text.includes("\n") && (await more()));
  await use(socket);
  while (await more());
  expect(await child.exited).toBe(0);
  return Number(text.replace("listening\n", ""));
}

describe.skipIf(!isRoot)("--pidfd-socket", () => {
  test("hands over the pidfd of what create and run start", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sleep", "600"] });
    const pidFile = join(lab.directory, "pid");
    for (const words of [["create"], ["run", "-d"]]) {
      const options = (socket: string) => ["--pidfd-socket", socket, "--pid-file", pidFile];
      const pid = await handedTo(lab, (socket) => lab.ok(...words, ...options(socket), lab.id));
      expect(String(pid)).toBe(await Bun.file(pidFile).text());
      await lab.until("stopped");
      await lab.ok("delete", lab.id);
    }
  });

  test("hands over the pidfd of an exec; the container goes on", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sleep", "600"] });
    await lab.ok("run", "-d", lab.id);
    const pidFile = join(lab.directory, "pid");
    const pid = await handedTo(lab, async (socket) => {
      const words = ["--pidfd-socket", socket, "--pid-file", pidFile, lab.id, "sleep", "600"];
      expect((await lab.run("exec", ...words)).exitCode).toBe(137);
    });
    expect(String(pid)).toBe(await Bun.file(pidFile).text());
    expect((await lab.state()).status).toBe("running");
  });

  test("where nobody listens, nothing is started", async () => {
    await using lab = openOciLab();
    lab.configure();
    const { exitCode, stderr } = await lab.run("create", "--pidfd-socket", "/nowhere", lab.id);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("cannot connect to pidfd socket")]);
    expect(await lab.state()).toBeUndefined();
  });
});

describe.skipIf(!isRoot)("a container", () => {
  test("gives each of its processes its personality", async () => {
    await using lab = openOciLab();
    lab.configure({ args: ["sleep", "600"], linux: { personality: { domain: "LINUX32" } } });
    await lab.ok("run", "-d", lab.id);
    expect(await lab.ok("exec", lab.id, "cat", "/proc/self/personality")).toBe("00000008");
  });

  test("masks a path once, however often it is named", async () => {
    await using lab = openOciLab();
    const maskedPaths = ["/proc/acpi", "/sys/firmware", "/sys/firmware", "/proc/keys", "/proc/keys"];
    lab.configure({ args: ["cat", "/proc/self/mounts"], linux: { maskedPaths } });
    const places = (await lab.ok("run", lab.id)).split("\n").map((line) => line.split(" ")[1]);
    expect(places.filter((place) => place === "/proc/keys" || place === "/sys/firmware")).toHaveLength(2);
  });
});
