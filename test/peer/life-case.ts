/** A container's life: create, start, stop, kill, pause, restart, rename, wait, logs, rm; and how they refuse. */
import type { PeerCase } from "./peer-case.ts";

const sleeping = "run -d --name con $I sleep 60 >/dev/null";

export const lifeCases: readonly PeerCase[] = [
  {
    name: "create, start, wait",
    script: `create --name con $I sh -c 'exit 3'; e start con; e wait con; e start -a con; echo $?`,
  },
  {
    name: "start: several names",
    script: `create --name one $I true >/dev/null; create --name two $I true >/dev/null; e start one two; echo $?`,
  },
  { name: "start: one that is not there", script: `e start nosuch 2>&1; echo $?`, podman: "differs" },
  { name: "start: one that runs", script: `${sleeping}; e start con; echo $?` },
  {
    name: "status: created",
    script: `create --name con $I true >/dev/null; e inspect -f '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.StartedAt}}' con`,
    podman: "differs",
  },
  {
    name: "status: exited",
    script: `run --name con $I sh -c 'exit 4'; e inspect -f '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Error}}' con`,
  },
  {
    name: "status: running, paused",
    script: `${sleeping}; f='{{.State.Status}} {{.State.Running}} {{.State.Paused}}'; e inspect -f "$f" con; e pause con; e inspect -f "$f" con; e unpause con; e inspect -f "$f" con`,
    podman: "differs",
  },
  {
    name: "pause: twice",
    script: `${sleeping}; e pause con; e pause con 2>/dev/null; echo $?; e unpause con; e unpause con 2>/dev/null; echo $?`,
  },
  {
    name: "stop: exit code",
    script: `${sleeping}; e stop -t 0 con; e inspect -f '{{.State.ExitCode}}' con; e stop con; echo $?`,
  },
  {
    name: "stop: a signal that is handled",
    script: `run -d --name con $I sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null; sleep 0.5; e stop -t 5 con; e inspect -f '{{.State.ExitCode}}' con`,
  },
  {
    name: "stop: --stop-signal",
    script: `run -d --stop-signal USR1 --name con $I sh -c 'trap "exit 8" USR1; while :; do sleep 0.1; done' >/dev/null; sleep 0.5; e stop -t 5 con; e inspect -f '{{.State.ExitCode}} {{.Config.StopSignal}}' con`,
    podman: "differs",
  },
  { name: "stop: one that is not there", script: `e stop nosuch 2>&1; echo $?`, podman: "differs" },
  { name: "kill", script: `${sleeping}; e kill con; e wait con; e kill con 2>/dev/null; echo $?` },
  {
    name: "kill: by name of the signal",
    script: `run -d --name con $I sh -c 'trap "exit 6" HUP; while :; do sleep 0.1; done' >/dev/null; sleep 0.5; e kill -s SIGHUP con; e wait con`,
  },
  {
    name: "kill: bad signal",
    script: `${sleeping}; e kill -s NOSUCH con 2>/dev/null; echo $?; e inspect -f '{{.State.Running}}' con`,
    podman: "differs",
  },
  {
    name: "restart",
    script: `${sleeping}; e restart -t 0 con; e inspect -f '{{.State.Running}} {{.RestartCount}}' con`,
  },
  {
    name: "restart policy: on failure, twice",
    script: `run -d --restart on-failure:2 --name con $I false >/dev/null; e wait con >/dev/null; sleep 3; e inspect -f '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' con`,
  },
  {
    name: "restart policy: in inspect",
    script: `create --restart unless-stopped --name con $I true >/dev/null; e inspect -f '{{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' con`,
  },
  {
    name: "restart policy: unknown",
    docker: "found by its daemon, so 1; here it is a bad word",
    script: `create --restart sometimes --name con $I true 2>/dev/null; echo $?`,
  },
  {
    name: "rename",
    script: `create --name one $I true >/dev/null; e rename one two; e inspect -f '{{.Name}}' two`,
    podman: "differs",
  },
  {
    name: "rename: to a name that is taken",
    script: `create --name one $I true >/dev/null; create --name two $I true >/dev/null; e rename one two 2>/dev/null; echo $?`,
    podman: "differs",
  },
  { name: "wait: one that is not there", script: `e wait nosuch 2>&1; echo $?`, podman: "differs" },
  {
    name: "wait: several",
    script: `run --name one $I sh -c 'exit 1'; run --name two $I sh -c 'exit 2'; e wait one two`,
  },
  { name: "rm: prints what was typed", script: `create --name con $I true >/dev/null; e rm con; echo $?` },
  {
    name: "rm: one that runs",
    script: `${sleeping}; e rm con 2>/dev/null; echo $?; e rm -f con; echo $?`,
    podman: "differs",
  },
  { name: "rm: one that is not there", script: `e rm nosuch 2>&1; echo $?`, podman: "differs" },
  { name: "rm -f: one that is not there", script: `e rm -f nosuch 2>&1; echo $?`, podman: "differs" },
  {
    name: "rm: one of two is not there",
    script: `create --name con $I true >/dev/null; e rm nosuch con 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "logs",
    script: `run --name con $I sh -c 'echo out; echo err >&2' >/dev/null 2>&1; e logs con 2>/dev/null; e logs con 2>&1 >/dev/null`,
  },
  {
    name: "logs: --tail",
    script: `run --name con $I seq 9 >/dev/null; e logs --tail 2 con; e logs -n 0 con; e logs --tail all con | wc -l`,
  },
  { name: "logs -f: of one that has ended", script: `run --name con $I echo x >/dev/null; e logs -f con` },
  { name: "logs: one that is not there", script: `e logs nosuch 2>&1; echo $?`, podman: "differs" },
  {
    name: "attach: one that is stopped",
    script: `create --name con $I true >/dev/null; e attach con 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "update",
    script: `${sleeping}; e update -m 64m --memory-swap 128m --restart always con; e inspect -f '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}' con`,
    podman: "differs",
  },
  { name: "top", script: `${sleeping}; e top con -o args | tail -n +2`, podman: "differs" },
  {
    name: "events of a run",
    script: `a=$(date +%s); create --name con $I true >/dev/null; e start con >/dev/null; e wait con >/dev/null; e rm con >/dev/null; e events --since $a --until $(($(date +%s) + 1)) --filter container=con --filter event=create --filter event=start --filter event=die --filter event=destroy --format '{{.Action}}'`,
    podman: "differs",
  },
  {
    name: "ids: a unique beginning will do",
    script: `i=$(create $I true); e rm $(echo $i | cut -c1-20) >/dev/null; echo $?`,
  },
];
