/**
 * EXPOSE's words to ports: `80`, `80-82/udp`, and docker's tolerance for `IP:PORT:PORT`, of which only the last counts. Pure.
 * https://docs.docker.com/reference/dockerfile/#expose
 */

const protocols: ReadonlySet<string> = new Set(["tcp", "udp", "sctp"]);

/** `80/tcp` for each port, in order. Throws Error(reason) in docker's words. */
export function parseExposedPorts(word: string): readonly string[] {
  const slash = word.lastIndexOf("/");
  const range = slash < 0 ? word : word.slice(0, slash);
  const protocol = slash < 0 ? "tcp" : word.slice(slash + 1).toLowerCase() || "tcp";
  if (range === "") throw new Error(`invalid port: ${JSON.stringify(word)}: no port specified`);
  if (!protocols.has(protocol)) {
    throw new Error(`invalid port: ${JSON.stringify(word)}: invalid proto: ${word.slice(slash + 1)}`);
  }
  const container = range.slice(range.lastIndexOf(":") + 1);
  const [, from = "", to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(container) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === "" || first > last || last > 65535) throw new Error(`invalid containerPort: ${container}`);
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
