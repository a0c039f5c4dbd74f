/**
 * Every command: its names, its line in the help, and how its module is loaded. One module is loaded a run.
 *
 * Names with a space are commands of a group and in group-commands.ts. A test holds names and summaries equal to the
 * modules'.
 */
import type { CommandEntry, CommandTable } from "./command-entry.ts";
import { groupCommands } from "./group-commands.ts";

export type { CommandEntry, CommandTable };

const topCommands: CommandTable = [
  {
    name: "run",
    aliases: ["container run"],
    summary: "Create and run a new container from an image",
    isCommon: true,
    isHot: true,
    load: () => import("./command/run.ts"),
  },
  {
    name: "exec",
    aliases: ["container exec"],
    summary: "Execute a command in a running container",
    isCommon: true,
    isHot: true,
    load: () => import("./command/exec.ts"),
  },
  {
    name: "ps",
    aliases: ["container ls", "container list", "container ps"],
    summary: "List containers",
    isCommon: true,
    isHot: true,
    load: () => import("./command/ps.ts"),
  },
  {
    name: "build",
    aliases: ["image build", "builder build", "buildx build"],
    summary: "Build an image from a Dockerfile",
    isCommon: true,
    load: () => import("./command/build.ts"),
  },
  {
    name: "pull",
    aliases: ["image pull"],
    summary: "Download an image from a registry",
    isCommon: true,
    load: () => import("./command/pull.ts"),
  },
  {
    name: "images",
    aliases: ["image ls", "image list"],
    summary: "List images",
    isCommon: true,
    isHot: true,
    load: () => import("./command/images.ts"),
  },
  {
    name: "version",
    aliases: [],
    summary: "Show the bocker version information",
    isCommon: true,
    load: () => import("./command/version.ts"),
  },
  {
    name: "create",
    aliases: ["container create"],
    summary: "Create a new container",
    isHot: true,
    load: () => import("./command/create.ts"),
  },
  {
    name: "history",
    aliases: ["image history"],
    summary: "Show the history of an image",
    load: () => import("./command/history.ts"),
  },
  {
    name: "inspect",
    aliases: [],
    summary: "Return low-level information on bocker objects",
    isHot: true,
    load: () => import("./command/inspect.ts"),
  },
  {
    name: "kill",
    aliases: ["container kill"],
    summary: "Kill one or more running containers",
    isHot: true,
    load: () => import("./command/kill.ts"),
  },
  {
    name: "login",
    aliases: [],
    summary: "Authenticate to a registry",
    load: () => import("./command/login.ts"),
  },
  {
    name: "logout",
    aliases: [],
    summary: "Log out from a registry",
    load: () => import("./command/logout.ts"),
  },
  {
    name: "logs",
    aliases: ["container logs"],
    summary: "Fetch the logs of a container",
    isHot: true,
    load: () => import("./command/logs.ts"),
  },
  {
    name: "push",
    aliases: ["image push"],
    summary: "Upload an image to a registry",
    load: () => import("./command/push.ts"),
  },
  {
    name: "rm",
    aliases: ["container rm", "container remove", "remove"],
    summary: "Remove one or more containers",
    isHot: true,
    load: () => import("./command/rm.ts"),
  },
  {
    name: "rmi",
    aliases: ["image rm", "image remove"],
    summary: "Remove one or more images",
    load: () => import("./command/rmi.ts"),
  },
  {
    name: "search",
    aliases: [],
    summary: "Search Docker Hub, or another registry, for images",
    load: () => import("./command/search.ts"),
  },
  {
    name: "oci",
    aliases: [],
    summary: "Run OCI bundles, as a runtime for other engines",
    load: () => import("./command/oci.ts"),
  },
  {
    name: "spec",
    aliases: [],
    summary: "Write the OCI configuration, or the bundle, that run would use",
    load: () => import("./command/spec.ts"),
  },
  {
    name: "start",
    aliases: ["container start"],
    summary: "Start one or more stopped containers",
    isHot: true,
    load: () => import("./command/start.ts"),
  },
  {
    name: "stop",
    aliases: ["container stop"],
    summary: "Stop one or more running containers",
    isHot: true,
    load: () => import("./command/stop.ts"),
  },
  {
    name: "tag",
    aliases: ["image tag"],
    summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
    load: () => import("./command/tag.ts"),
  },
  {
    name: "attach",
    aliases: ["container attach"],
    summary: "Attach local standard input, output, and error streams to a running container",
    load: () => import("./command/attach.ts"),
  },
  {
    name: "pause",
    aliases: ["container pause"],
    summary: "Pause all processes within one or more containers",
    load: () => import("./command/pause.ts"),
  },
  {
    name: "port",
    aliases: ["container port"],
    summary: "List port mappings or a specific mapping for the container",
    load: () => import("./command/port.ts"),
  },
  {
    name: "rename",
    aliases: ["container rename"],
    summary: "Rename a container",
    load: () => import("./command/rename.ts"),
  },
  {
    name: "restart",
    aliases: ["container restart"],
    summary: "Restart one or more containers",
    load: () => import("./command/restart.ts"),
  },
  {
    name: "top",
    aliases: ["container top"],
    summary: "Display the running processes of a container",
    load: () => import("./command/top.ts"),
  },
  {
    name: "unpause",
    aliases: ["container unpause"],
    summary: "Unpause all processes within one or more containers",
    load: () => import("./command/unpause.ts"),
  },
  {
    name: "wait",
    aliases: ["container wait"],
    summary: "Block until one or more containers stop, then print their exit codes",
    load: () => import("./command/wait.ts"),
  },
  {
    name: "cp",
    aliases: ["container cp"],
    summary: "Copy files/folders between a container and the local filesystem",
    load: () => import("./command/cp.ts"),
  },
  {
    name: "info",
    aliases: ["system info"],
    summary: "Display system-wide information",
    load: () => import("./command/info.ts"),
  },
  {
    name: "doctor",
    aliases: [],
    summary: "Check whether this host has what containers need",
    load: () => import("./command/doctor.ts"),
  },
  {
    name: "save",
    aliases: ["image save"],
    summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
    load: () => import("./command/save.ts"),
  },
  {
    name: "load",
    aliases: ["image load"],
    summary: "Load an image from a tar archive or STDIN",
    load: () => import("./command/load.ts"),
  },
  {
    name: "import",
    aliases: ["image import"],
    summary: "Import the contents from a tarball to create a filesystem image",
    load: () => import("./command/import.ts"),
  },
  {
    name: "export",
    aliases: ["container export"],
    summary: "Export a container's filesystem as a tar archive",
    load: () => import("./command/export.ts"),
  },
  {
    name: "commit",
    aliases: ["container commit"],
    summary: "Create a new image from a container's changes",
    load: () => import("./command/commit.ts"),
  },
  {
    name: "init",
    aliases: [],
    summary: "Create an image from a directory",
    load: () => import("./command/init.ts"),
  },
  {
    name: "buildBase",
    aliases: [],
    summary: "Import a tarball as the image named base",
    load: () => import("./command/build-base.ts"),
  },
  {
    name: "diff",
    aliases: ["container diff"],
    summary: "Inspect changes to files or directories on a container's filesystem",
    load: () => import("./command/diff.ts"),
  },
  {
    name: "stats",
    aliases: ["container stats"],
    summary: "Display a live stream of container(s) resource usage statistics",
    load: () => import("./command/stats.ts"),
  },
  {
    name: "events",
    aliases: ["system events"],
    summary: "Get real time events from the server",
    load: () => import("./command/events.ts"),
  },
  {
    name: "update",
    aliases: ["container update"],
    summary: "Update configuration of one or more containers",
    load: () => import("./command/update.ts"),
  },
  {
    name: "boot",
    aliases: [],
    summary: "Start the containers whose restart policy wants them to run, as after a reboot",
    // A command and a group at once, which citty does not know.
    isHot: true,
    load: () => import("./command/boot.ts"),
  },
];

export const commandTable: CommandTable = [...topCommands, ...groupCommands];
