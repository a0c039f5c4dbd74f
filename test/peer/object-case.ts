/** What is shown of containers, images and volumes, and files in and out. */
import type { PeerCase } from "./peer-case.ts";

export const objectCases: readonly PeerCase[] = [
  {
    name: "ps: columns",
    script: `run --name con $I true; e ps -a --format '{{.Names}}|{{.Image}}|{{.Command}}|{{.Ports}}|{{.State}}'`,
    podman: "differs",
  },
  {
    name: "ps: status words",
    script: `run --name one $I sh -c 'exit 3'; create --name two $I true >/dev/null; e ps -a --format '{{.Names}} {{.Status}}' | sed 's/ago.*//; s/) .*/)/' | sort`,
  },
  { name: "ps: header", script: `e ps`, podman: "differs" },
  {
    name: "ps: filters",
    script: `run --name one -l x=1 $I sh -c 'exit 3'; create --name two -l x=2 $I true >/dev/null; for f in exited=3 status=created name=one label=x label=x=2; do echo "$f: $(e ps -a --filter $f --format '{{.Names}}' | sort | tr '\\n' ' ')"; done`,
  },
  { name: "ps: bad filter", script: `e ps --filter nosuch=1 2>/dev/null; echo $?`, podman: "differs" },
  {
    name: "ps: bad template",
    script: `e ps --format '{{.Nosuch}}' >/dev/null 2>&1; echo $?; e ps --format '{{' 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "ps: -n, -l, -q",
    script: `create --name one $I true >/dev/null; create --name two $I true >/dev/null; e ps -l --format '{{.Names}}'; e ps -n 2 --format '{{.Names}}'; e ps -aq | wc -l`,
  },
  {
    name: "inspect: what was asked for",
    script: `create --name con -h box -e A=1 -w /w -u 5 -l k=v --entrypoint /bin/echo $I a b >/dev/null; e inspect -f '{{.Path}} {{.Args}} {{json .Config.Cmd}} {{json .Config.Entrypoint}} {{.Config.Hostname}} {{.Config.WorkingDir}} {{.Config.User}} {{json .Config.Labels}} {{.Config.Tty}} {{.Config.OpenStdin}}' con`,
    podman: "differs",
  },
  {
    name: "inspect: limits",
    script: `create --name con -m 64m --cpus 0.5 --pids-limit 50 --cpu-shares 512 $I true >/dev/null; e inspect -f '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}}' con`,
  },
  {
    name: "inspect: mounts",
    script: `create --name con -v vol:/v -v /tmp:/t:ro $I true >/dev/null; e inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.RW}}{{println}}{{end}}' con | sort`,
  },
  { name: "inspect: one that is not there", script: `e inspect nosuch 2>/dev/null; echo $?` },
  {
    name: "inspect: bad template",
    script: `create --name con $I true >/dev/null; e inspect -f '{{.Nosuch}}' con 2>/dev/null; echo $?; e inspect -f '{{' con 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "inspect: template functions",
    script: `create --name con -e A=1 $I a b >/dev/null; e inspect -f '{{len .Args}} {{index .Args 0}} {{join .Args ","}} {{upper .Path}} {{if .State.Running}}r{{else}}s{{end}} {{printf "%q" .Path}}' con`,
  },
  {
    name: "volume: create, ls, rm",
    script: `e volume create vol; e volume create vol; e volume ls -q; e volume inspect -f '{{.Name}} {{.Driver}} {{.Scope}}' vol; e volume rm vol; e volume rm vol 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "volume: in use",
    script: `create --name con -v vol:/v $I true >/dev/null; e volume rm vol 2>/dev/null; echo $?`,
    podman: "differs",
  },
  {
    name: "volume: filled from the image",
    script: `run --rm -v vol:/var/data $I ls /var/data; run --rm --mount type=volume,src=vol2,dst=/var/data,volume-nocopy $I ls /var/data`,
    podman: "differs",
  },
  {
    name: "volume: anonymous ones go with --rm",
    script: `run --rm -v /x $I true; e volume ls -q | wc -l; create --name con -v /x $I true >/dev/null; e rm -v con >/dev/null; e volume ls -q | wc -l`,
  },
  {
    name: "volume: kept between containers",
    script: `run --rm -v vol:/v $I sh -c 'echo kept >/v/f'; run --rm -v vol:/v $I cat /v/f`,
  },
  {
    name: "volumes-from",
    script: `create --name con -v vol:/v $I true >/dev/null; run --rm --volumes-from con $I sh -c 'grep -c " /v " /proc/mounts'`,
  },
  { name: "volume: bad name", script: `e volume create 'a b' 2>/dev/null; echo $?`, podman: "differs" },
  {
    name: "cp: in and out",
    script: `create --name con $I true >/dev/null; echo hi >f; e cp f con:/tmp/g; e cp con:/tmp/g h; cat h; mkdir d; echo x >d/x; e cp d con:/tmp; e cp con:/tmp/d - | tar t`,
  },
  {
    name: "cp: what is not there",
    script: `create --name con $I true >/dev/null; e cp con:/nosuch . 2>/dev/null; echo $?; e cp nosuch con:/ 2>/dev/null; echo $?; e cp a b 2>/dev/null; echo $?`,
  },
  {
    name: "diff",
    docker: "its driver without native diff also lists parents that are as they were",
    script: `run --name con $I sh -c 'echo x >/tmp/new; rm /var/data/seed'; e diff con | sort`,
    podman: "differs",
  },
  {
    name: "commit",
    script: `run --name con $I sh -c 'echo x >/made'; e commit -c 'CMD ["cat","/made"]' -c 'ENV A=b' con peer-made:1 >/dev/null; run --rm peer-made:1; e image inspect -f '{{json .Config.Cmd}}' peer-made:1`,
  },
  { name: "export", script: `run --name con $I sh -c 'echo x >/made'; e export con | tar xO made` },
  {
    name: "tag, rmi",
    script: `e tag $I peer-made:2; e images -q peer-made:2 | wc -l; e rmi peer-made:2 2>&1 | head -n 1; echo $?`,
    podman: "differs",
  },
  { name: "rmi: what is not there", script: `e rmi nosuch:1 2>/dev/null; echo $?` },
  {
    name: "image inspect",
    script: `e image inspect -f '{{.Os}} {{.Architecture}} {{len .RootFS.Layers}} {{.RootFS.Type}}' $I`,
  },
  {
    name: "images: filter",
    script: `e images --filter reference='bocker-b*' --format '{{.Repository}}:{{.Tag}}' | sed 's,^localhost/,,'`,
  },
  {
    name: "port",
    script: `run -d --name con -p 127.0.0.1:18471:80 -p 127.0.0.1:18472:53/udp $I sleep 60 >/dev/null; e port con | sort; e port con 80; e port con 81 2>/dev/null; echo $?`,
  },
  {
    name: "labels: file",
    script: `printf 'a=1\\nb=two words\\n' >l; create --name con --label-file l -l c $I true >/dev/null; e inspect -f '{{json .Config.Labels}}' con`,
  },
  { name: "unknown command", script: `e nosuch >/dev/null 2>&1; echo $?`, podman: "differs" },
  { name: "unknown flag of ps", script: `e ps --nosuch >/dev/null 2>&1; echo $?` },
  { name: "help", script: `e run --help | head -n 3; e run --help >/dev/null; echo $?`, podman: "differs" },
];
