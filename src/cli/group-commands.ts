/**
 * Commands of a group: `network create`, `volume ls`. One module is loaded a run.
 */
import type { CommandTable } from "./command-entry.ts";

export const groupCommands: CommandTable = [
  {
    name: "manifest inspect",
    aliases: [],
    summary: "Display an image manifest, or manifest list",
    load: () => import("./command/manifest-inspect.ts"),
  },
  {
    name: "volume create",
    aliases: [],
    summary: "Create a volume",
    load: () => import("./command/volume-create.ts"),
  },
  {
    name: "volume inspect",
    aliases: [],
    summary: "Display detailed information on one or more volumes",
    load: () => import("./command/volume-inspect.ts"),
  },
  {
    name: "volume ls",
    aliases: ["volume list"],
    summary: "List volumes",
    load: () => import("./command/volume-ls.ts"),
  },
  {
    name: "volume prune",
    aliases: [],
    summary: "Remove unused local volumes",
    load: () => import("./command/volume-prune.ts"),
  },
  {
    name: "volume rm",
    aliases: ["volume remove"],
    summary: "Remove one or more volumes",
    load: () => import("./command/volume-rm.ts"),
  },
  {
    name: "network connect",
    aliases: [],
    summary: "Connect a container to a network",
    load: () => import("./command/network-connect.ts"),
  },
  {
    name: "network create",
    aliases: [],
    summary: "Create a network",
    load: () => import("./command/network-create.ts"),
  },
  {
    name: "network disconnect",
    aliases: [],
    summary: "Disconnect a container from a network",
    load: () => import("./command/network-disconnect.ts"),
  },
  {
    name: "network inspect",
    aliases: [],
    summary: "Display detailed information on one or more networks",
    load: () => import("./command/network-inspect.ts"),
  },
  {
    name: "network ls",
    aliases: ["network list", "networks"],
    summary: "List networks",
    load: () => import("./command/network-ls.ts"),
  },
  {
    name: "network prune",
    aliases: [],
    summary: "Remove all unused networks",
    load: () => import("./command/network-prune.ts"),
  },
  {
    name: "network reload",
    aliases: [],
    summary: "Make firewall rules and links again",
    load: () => import("./command/network-reload.ts"),
  },
  {
    name: "network rm",
    aliases: ["network remove", "rmn"],
    summary: "Remove one or more networks",
    load: () => import("./command/network-rm.ts"),
  },
  {
    name: "container prune",
    aliases: [],
    summary: "Remove all stopped containers",
    load: () => import("./command/container-prune.ts"),
  },
  {
    name: "image prune",
    aliases: [],
    summary: "Remove unused images",
    load: () => import("./command/image-prune.ts"),
  },
  {
    name: "system check",
    aliases: [],
    summary: "Check images, containers and volumes for damage and leftovers",
    load: () => import("./command/system-check.ts"),
  },
  {
    name: "system df",
    aliases: [],
    summary: "Show bocker disk usage",
    load: () => import("./command/system-df.ts"),
  },
  {
    name: "system prune",
    aliases: [],
    summary: "Remove unused data",
    load: () => import("./command/system-prune.ts"),
  },
  {
    name: "container inspect",
    aliases: [],
    summary: "Display detailed information on one or more containers",
    load: () => import("./command/container-inspect.ts"),
  },
  {
    name: "image inspect",
    aliases: [],
    summary: "Display detailed information on one or more images",
    load: () => import("./command/image-inspect.ts"),
  },
  {
    name: "boot install",
    aliases: [],
    summary: "Have the init system start containers with the machine and stop them with it",
    load: () => import("./command/boot-install.ts"),
  },
  {
    name: "boot uninstall",
    aliases: [],
    summary: "Remove what boot install wrote",
    load: () => import("./command/boot-uninstall.ts"),
  },
  {
    name: "boot status",
    aliases: [],
    summary: "Show whether containers are started with the machine; exit code 1 when they are not",
    load: () => import("./command/boot-status.ts"),
  },
  {
    name: "boot stop",
    aliases: [],
    summary: "Stop all containers because the system goes down; the next boot starts them again",
    load: () => import("./command/boot-stop.ts"),
  },
  {
    name: "secret create",
    aliases: [],
    summary: "Create a new secret",
    load: () => import("./command/secret-create.ts"),
  },
  {
    name: "secret exists",
    aliases: [],
    summary: "Check if a secret exists: exit code 0 if it does, 1 if not",
    load: () => import("./command/secret-exists.ts"),
  },
  {
    name: "secret inspect",
    aliases: [],
    summary: "Display detailed information on one or more secrets",
    load: () => import("./command/secret-inspect.ts"),
  },
  {
    name: "secret ls",
    aliases: ["secret list"],
    summary: "List secrets",
    load: () => import("./command/secret-ls.ts"),
  },
  {
    name: "secret rm",
    aliases: ["secret remove"],
    summary: "Remove one or more secrets",
    load: () => import("./command/secret-rm.ts"),
  },
  {
    name: "volume export",
    aliases: [],
    summary: "Export the contents of a volume as a tar archive",
    load: () => import("./command/volume-export.ts"),
  },
  {
    name: "volume import",
    aliases: [],
    summary: "Import the contents of a tar archive into a volume",
    load: () => import("./command/volume-import.ts"),
  },
];
