/**
 * Whose a link of the host is: bocker writes the network's id into the alias of what it makes, and removes nothing else.
 */
import { tryCommand } from "../host/run-command.ts";

/** The kernel's IFLA_IFALIAS of a link that was made for a network. */
export function linkAlias(networkId: string): string {
  return `bocker:${networkId}`;
}

/** Whether the link is there and was made for that network. Starts `ip` once. */
export function isLinkOf(device: string, networkId: string): boolean {
  const { exitCode, stdout } = tryCommand(["ip", "-json", "link", "show", "dev", device]);
  if (exitCode !== 0) return false;
  const links: unknown = JSON.parse(stdout);
  return (
    Array.isArray(links) && links.some((link: { ifalias?: unknown }) => link.ifalias === linkAlias(networkId))
  );
}
