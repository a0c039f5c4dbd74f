/**
 * What `--security-opt proc-opts=` may say of a container's /proc: the file system's own options (proc(5)) and the flags of
 * its mount. Anything else is refused by its name, before the kernel does.
 */

const own = /^(?:hidepid=(?:[0-24]|off|noaccess|invisible|ptraceable)|gid=\d+|subset=pid)$/;

const flags: ReadonlySet<string> = new Set([
  ...["ro", "rw", "suid", "nosuid", "exec", "noexec", "dev", "nodev"],
  ...["relatime", "noatime", "nodiratime", "strictatime"],
]);

/** `hidepid=2,exec` as words; undefined where one of them is none. */
export function parseProcOptions(text: string): readonly string[] | undefined {
  const words = text.split(",");
  return words.every((word) => own.test(word) || flags.has(word)) ? words : undefined;
}
