/**
 * The AppArmor profile of containers that ask for none, in apparmor.d(5)'s language. Pure.
 *
 * What it is for: a process that got root's capabilities in a container still cannot mount, write the kernel's files
 * or trace what is outside. The rules are those of docker's docker-default (moby, profiles/apparmor/template.go),
 * written down for profiles without includes of the host's tree.
 */

/** The name under which the kernel has it. */
export const defaultProfileName = "bocker-default";

/** Text for apparmor_parser(8). */
export function renderDefaultProfile(name: string = defaultProfileName): string {
  const denied = [
    "@{PROC}/* w",
    "@{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w",
    "@{PROC}/sys/[^k]** w",
    "@{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w",
    "@{PROC}/sysrq-trigger rwklx",
    "@{PROC}/kcore rwklx",
    "/sys/[^f]*/** wklx",
    "/sys/f[^s]*/** wklx",
    "/sys/fs/[^c]*/** wklx",
    "/sys/fs/c[^g]*/** wklx",
    "/sys/fs/cg[^r]*/** wklx",
    "/sys/firmware/** rwklx",
    "/sys/devices/virtual/powercap/** rwklx",
    "/sys/kernel/security/** rwklx",
  ];
  const allowed = [
    "network",
    "capability",
    "file",
    "umount",
    // From outside: stop, kill, health checks.
    "signal (receive) peer=unconfined",
    `signal (send, receive) peer=${name}`,
    `ptrace (trace, read, tracedby, readby) peer=${name}`,
  ];
  return [
    "@{PROC}=/proc/",
    "",
    `profile ${name} flags=(attach_disconnected,mediate_deleted) {`,
    ...allowed.map((rule) => `  ${rule},`),
    ...denied.map((rule) => `  deny ${rule},`),
    "  deny mount,",
    "}",
    "",
  ].join("\n");
}
