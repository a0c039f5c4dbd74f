/** `run` and `exec`: streams, exit codes, environment, user, files. */
import type { PeerCase } from "./peer-case.ts";

export const runCases: readonly PeerCase[] = [
  { name: "run: the command's exit code", script: `run --rm $I sh -c 'exit 7'; echo $?` },
  { name: "run: killed by a signal", script: `run --rm $I sh -c 'kill -9 $$'; echo $?` },
  { name: "run: command not found", script: `run --rm $I nosuch; echo $?` },
  { name: "run: command not executable", script: `run --rm $I /etc/passwd; echo $?` },
  { name: "run: a directory as command", script: `run --rm $I /etc; echo $?` },
  { name: "run: output apart", script: `run --rm $I sh -c 'echo out; echo err >&2' 2>err; cat err` },
  { name: "run: standard input", script: `printf 'a\\0b' | run --rm -i $I od -c` },
  { name: "run: no standard input without -i", script: `echo x | run --rm $I wc -c` },
  { name: "run: environment", script: `B=2 run --rm -h box -e A=1 -e C= -e A=3 $I env | sort` },
  {
    name: "run: environment file",
    script: `printf '# no\\nA=1\\nB= two words \\nHOME\\nNOSUCH\\n' >f; run --rm -h box --env-file f $I env | sort`,
  },
  {
    name: "run: working directory is made",
    script: `run --rm -w /made/here $I sh -c 'pwd; ls -ld .' | cut -c1-10`,
  },
  {
    name: "run: relative working directory",
    script: `run --rm -w here $I pwd 2>/dev/null; echo $?`,
    podman: "differs",
  },
  { name: "run: user by number", script: `run --rm -u 1000:1001 $I sh -c 'id -u; id -g; echo $HOME'` },
  { name: "run: user by name", script: `run --rm -u root $I sh -c 'id -u; echo $HOME'` },
  { name: "run: unknown user", script: `run --rm -u nosuch $I true 2>/dev/null; echo $?` },
  { name: "run: more groups", script: `run --rm --group-add 7 --group-add 8 $I id -G` },
  { name: "run: entrypoint", script: `run --rm --entrypoint /bin/echo $I a b` },
  { name: "run: entrypoint taken away", script: `run --rm --entrypoint '' $I echo a` },
  {
    name: "run: read-only root",
    script: `run --rm --read-only $I sh -c 'touch /x 2>/dev/null; echo $?; touch /dev/shm/x; echo $?'`,
  },
  {
    name: "run: tmpfs",
    script: `run --rm --tmpfs /t:size=1m $I sh -c 'grep " /t " /proc/mounts | cut -d" " -f2,3; stat -c %a /t'`,
  },
  {
    name: "run: bind, read-only",
    script: `mkdir d; echo x >d/f; run --rm -v $PWD/d:/d:ro $I sh -c 'cat /d/f; touch /d/y 2>/dev/null; echo $?'`,
  },
  {
    name: "run: bind of what is missing",
    script: `run --rm -v $PWD/new:/d $I true; echo $?; ls -d new`,
    podman: "differs",
  },
  {
    name: "run: mount of what is missing",
    script: `run --rm --mount type=bind,src=$PWD/no,dst=/d $I true 2>/dev/null; echo $?`,
  },
  {
    name: "run: hostname",
    script: `run --rm -h box $I hostname; run --rm -h box --network none $I cat /etc/hostname`,
  },
  { name: "run: hosts", script: `run --rm --network none --add-host a:1.2.3.4 $I grep 1.2.3.4 /etc/hosts` },
  {
    name: "run: dns",
    script: `run --rm --dns 9.9.9.9 --dns-search x.y --dns-opt ndots:3 $I grep -v '^#' /etc/resolv.conf | sort`,
  },
  { name: "run: no network", script: `run --rm --network none $I ls /sys/class/net` },
  {
    name: "run: the host's network",
    script: `run --rm --network host $I sh -c 'ls /sys/class/net | grep -c lo'`,
  },
  { name: "run: unknown network", script: `run --rm --network nosuch $I true 2>/dev/null; echo $?` },
  { name: "run: unknown flag", script: `e run --nosuch $I true 2>/dev/null; echo $?` },
  { name: "run: no image", script: `e run 2>/dev/null; echo $?`, podman: "differs" },
  { name: "run: bad image name", script: `run --rm UPPER/x true 2>/dev/null; echo $?` },
  {
    name: "run: --rm with a restart policy",
    script: `run --rm --restart always $I true 2>/dev/null; echo $?`,
  },
  {
    name: "run: cidfile",
    script: `run --cidfile c $I true; wc -c <c; run --cidfile c $I true 2>/dev/null; echo $?`,
  },
  { name: "run: --rm leaves nothing", script: `run --rm $I true; e ps -aq | wc -l` },
  { name: "run -d: prints the id", script: `run -d --name con $I sleep 60` },
  {
    name: "run: name in use",
    script: `create --name con $I true >/dev/null; run --name con $I true 2>/dev/null; echo $?`,
  },
  { name: "run: bad name", script: `run --rm --name one/b $I true 2>/dev/null; echo $?` },
  { name: "run: umask", script: `run --rm $I sh -c umask` },
  { name: "run: init", script: `run --rm --init $I sh -c 'echo $$ | grep -c "^1$"'` },
  {
    name: "run: several volumes, one file",
    script: `echo hi >f; run --rm -v $PWD/f:/a -v $PWD/f:/b:ro $I cat /a /b`,
  },
  {
    name: "exec: exit code",
    script: `run -d --name con $I sleep 60 >/dev/null; e exec con sh -c 'exit 5'; echo $?`,
  },
  {
    name: "exec: not found",
    docker: "20.10 gave 126, later ones 127",
    script: `run -d --name con $I sleep 60 >/dev/null; e exec con nosuch >/dev/null 2>&1; echo $?`,
  },
  {
    name: "exec: not executable",
    script: `run -d --name con $I sleep 60 >/dev/null; e exec con /etc/passwd >/dev/null 2>&1; echo $?`,
  },
  {
    name: "exec: environment, user, directory",
    script: `run -d -h box -e A=1 --name con $I sleep 60 >/dev/null; e exec -e B=2 -u 5:6 -w /tmp con sh -c 'env | sort; id -u; id -g; pwd'`,
  },
  {
    name: "exec: standard input",
    script: `run -d --name con $I sleep 60 >/dev/null; echo hi | e exec -i con cat`,
  },
  {
    name: "exec: one that is stopped",
    script: `create --name con $I true >/dev/null; e exec con true 2>/dev/null; echo $?`,
    podman: "differs",
  },
  { name: "exec: one that is not there", script: `e exec nosuch true 2>&1; echo $?`, podman: "differs" },
  {
    name: "exec: paused",
    script: `run -d --name con $I sleep 60 >/dev/null; e pause con; e exec con true 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "exec -d",
    script: `run -d --name con $I sleep 60 >/dev/null; e exec -d con touch /made; echo $?; sleep 0.5; e exec con ls /made`,
  },
];
