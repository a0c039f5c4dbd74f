/** Why bocker, docker and podman differ in what a process sees of its walls. The first that matches counts. */

export interface Explanation {
  readonly about: RegExp;
  readonly text: string;
}

export const explanations: readonly Explanation[] = [
  {
    about: /^Cap(Prm|Eff|Bnd)$/,
    text: "podman gives eleven capabilities: docker's fourteen without CAP_NET_RAW, CAP_MKNOD and CAP_AUDIT_WRITE. bocker follows docker.",
  },
  {
    about: /^Groups$/,
    text: "podman passes no supplementary group; docker, and bocker with it, the user's groups in the image's /etc/group, its own among them.",
  },
  {
    about: /^mount \/dev$/,
    text: "podman adds noexec to /dev. Nothing in it can be made by who has no CAP_MKNOD but files.",
  },
  { about: /^mount \/dev\/shm$/, text: "podman counts 64 MB of /dev/shm in thousands." },
  {
    about: /^mount \/etc\/resolv\.conf$/,
    text: "podman mounts no resolv.conf for a container without a network; docker mounts one all the same.",
  },
  {
    about: /^mount \/sys\/fs\/cgroup/,
    text: "On cgroup v1, the tmpfs that holds the hierarchies: runc mounts it read-only, then links names into it and leaves it writable; bocker makes it read-only at the end. The hierarchies are read-only in all three. On hybrid hosts bocker shows the v2 hierarchy too.",
  },
  {
    about: /^path \/proc\/interrupts$|^path \/sys\/devices/,
    text: "newer dockers mask this (interrupts, power and heat can be counted to spy on others); the one compared here is older. bocker follows the newest.",
  },
  {
    about: /^\/dev\/core$/,
    text: "A link to /proc/kcore, which is masked where the kernel has it: runc makes it only then, bocker and crun always.",
  },
  {
    about: /^mount \/run\/\.containerenv$/,
    text: "podman's own file that tells a program that it is in a container.",
  },
  {
    about: /^path \/sys\/dev\/block$/,
    text: "podman hides the list of block devices, docker and bocker do not; none can be opened.",
  },
];

/** Undefined: nobody has explained that yet. */
export function explanationOf(what: string): string | undefined {
  return explanations.find(({ about }) => about.test(what))?.text;
}
