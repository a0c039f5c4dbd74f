/** Limits, capabilities, devices, mounts: what a process in the container sees of its walls. */
import type { PeerCase } from "./peer-case.ts";

export const resourceCases: readonly PeerCase[] = [
  { name: "walls: capabilities", script: `run --rm $I grep Cap /proc/self/status`, podman: "differs" },
  {
    name: "walls: capabilities dropped and added",
    script: `run --rm --cap-drop ALL --cap-add CHOWN --cap-add NET_ADMIN $I grep CapEff /proc/self/status`,
  },
  {
    name: "walls: capabilities of a user",
    script: `run --rm -u 1000 $I grep -E 'Cap(Eff|Prm|Amb|Inh)' /proc/self/status`,
  },
  { name: "walls: unknown capability", script: `run --rm --cap-add NOSUCH $I true 2>/dev/null; echo $?` },
  {
    name: "walls: seccomp, no-new-privileges",
    script: `run --rm $I grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status; run --rm --security-opt no-new-privileges --security-opt seccomp=unconfined $I grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status`,
  },
  {
    name: "walls: devices",
    docker: "runc makes /dev/core only where there is a /proc/kcore",
    script: `run --rm $I ls /dev | sort`,
    podman: "differs",
  },
  {
    name: "walls: links in /dev",
    script: `run --rm $I sh -c 'for l in fd stdin stdout stderr ptmx; do readlink /dev/$l; done'`,
  },
  {
    name: "walls: mounts",
    docker: "later ones mask /proc/interrupts too",
    script: `run --rm $I sh -c "awk '{print \\$2, \\$3, substr(\\$4,1,2)}' /proc/mounts" | grep -v cgroup | sed 's,^/ [a-z]* ,/ root ,; s,ext4,disk,; s, tmpfs ro$, masked,' | sort`,
    podman: "differs",
  },
  {
    name: "walls: masked files",
    script: `run --rm $I sh -c 'cat /proc/kcore | wc -c; ls /proc/acpi /sys/firmware 2>/dev/null | wc -l; touch /proc/sys/x 2>/dev/null; echo $?'`,
  },
  {
    name: "walls: namespaces",
    script: `run --rm $I sh -c 'readlink /proc/self/ns/pid | grep -c pid; echo $$; cat /proc/1/comm'`,
    podman: "differs",
  },
  {
    name: "limits: memory",
    script: `run --rm -m 64m $I sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'`,
  },
  {
    name: "limits: cpus",
    script: `run --rm --cpus 0.5 $I sh -c 'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null'`,
  },
  {
    name: "limits: pids",
    script: `run --rm --pids-limit 50 $I sh -c 'cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null'`,
  },
  {
    name: "limits: too little memory",
    script: `run --rm -m 1m $I true 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "limits: malformed",
    script: `for f in '-m x' '--cpus x' '--pids-limit x' '--shm-size x'; do e run --rm $f $I true 2>/dev/null; echo $?; done`,
  },
  {
    name: "limits: ulimits",
    script: `e run --rm --ulimit nofile=100:200 --ulimit nproc=1024:1024 $I sh -c 'ulimit -n; ulimit -Hn'`,
  },
  {
    name: "limits: shm",
    script: `run --rm --shm-size 8m $I sh -c "df -k /dev/shm | tail -n 1 | awk '{print \\$2}'"`,
  },
  { name: "limits: oom score", script: `run --rm --oom-score-adj 100 $I cat /proc/self/oom_score_adj` },
  {
    name: "sysctl",
    script: `run --rm --sysctl net.ipv4.ip_forward=1 $I cat /proc/sys/net/ipv4/ip_forward; run --rm --sysctl kernel.hostname=x $I true 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "sharing: pid",
    script: `run -d --name con $I sleep 60 >/dev/null; run --rm --pid container:con $I sh -c 'tr "\\0" " " </proc/1/cmdline'`,
  },
  {
    name: "sharing: network",
    script: `run -d --name con -h box $I sleep 60 >/dev/null; run --rm --network container:con $I sh -c 'cat /sys/class/net/eth0/address' >a; e exec con cat /sys/class/net/eth0/address | cmp - a && echo alike`,
    podman: "differs",
  },
  {
    name: "sharing: with one that is stopped",
    script: `create --name con $I true >/dev/null; run --rm --pid container:con $I true 2>/dev/null; echo $?`,
  },
  {
    name: "devices: one of the host's",
    script: `run --rm --device /dev/null:/dev/mine:r $I sh -c 'test -c /dev/mine; echo $?; cat /dev/mine; echo $?'`,
  },
  {
    name: "privileged",
    docker: "does not start without CAP_SYS_RESOURCE",
    script: `run --rm --privileged $I sh -c 'grep Seccomp: /proc/self/status; test -w /proc/sys; echo $?'`,
  },
  {
    name: "oom",
    script: `run --name con -m 16m --memory-swap 16m $I sh -c 'x=a; while :; do x=$x$x; done' 2>/dev/null; echo $?; e inspect -f '{{.State.OOMKilled}} {{.State.ExitCode}}' con`,
  },
];
