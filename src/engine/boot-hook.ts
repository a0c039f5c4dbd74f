/**
 * What makes an init system call `bocker boot` when it starts and `bocker boot stop` when it goes down: one file or
 * link list for each. Pure; install-boot-hook.ts writes it.
 *
 *   systemd   a oneshot unit that stays active (systemd.service(5)), wanted by multi-user.target
 *   OpenRC    a service in the runlevel default (openrc-run(8))
 *   runit     a service directory, whose `run` waits until it is told to stop (runsv(8))
 *   cron      @reboot (crontab(5)); nothing is called when the system goes down
 *
 * Monitors and containers are not the hook's to kill: its stop command ends them in their own way, so systemd is told
 * KillMode=process, and the rest know no better.
 */

export const initSystems = ["systemd", "openrc", "runit", "cron"] as const;
export type InitSystem = (typeof initSystems)[number];

export interface HookRequest {
  /** `/usr/bin/bocker`, and words that every call begins with. */
  readonly command: readonly string[];
  /** Variables that differ from the defaults. */
  readonly env: Readonly<Record<string, string>>;
  /** The state root: mounted before. */
  readonly root: string;
  /** Where runit looks for services, below the root directory; absent: /etc/service. */
  readonly serviceFolder?: string;
}

export interface BootHook {
  readonly files: readonly { readonly path: string; readonly mode: number; readonly text: string }[];
  /** Symbolic links that switch it on: where, and what they say. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Folders of its own, to be removed with it once empty. */
  readonly folders: readonly string[];
  /** To be run once it is written or removed, where the system runs. */
  readonly reload?: readonly string[];
  /** What it cannot do. */
  readonly note?: string;
}

const mark = "# Written by bocker boot install; bocker boot uninstall removes it.\n";

/** The hook for an init system. Paths are absolute on that system. */
export function planBootHook(init: InitSystem, request: HookRequest): BootHook {
  return planners[init](request);
}

const planners: Readonly<Record<InitSystem, (request: HookRequest) => BootHook>> = {
  systemd: planSystemd,
  openrc: planOpenRc,
  runit: planRunit,
  cron: planCron,
};

function planSystemd({ command, env, root }: HookRequest): BootHook {
  const path = "/etc/systemd/system/bocker-boot.service";
  const call = command.map(systemdWord).join(" ");
  const lines = Object.entries(env).map(([key, value]) => `Environment=${systemdQuote(`${key}=${value}`)}\n`);
  const text = `${mark}[Unit]
Description=Containers of bocker that run whenever the machine does
Wants=network-online.target
After=network-online.target nss-lookup.target firewalld.service nftables.service
RequiresMountsFor=${systemdQuote(root)}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${call} boot
ExecStop=${call} boot stop
${lines.join("")}KillMode=process
TimeoutStartSec=infinity
TimeoutStopSec=5min
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;
  return {
    files: [{ path, mode: 0o644, text }],
    links: [{ path: "/etc/systemd/system/multi-user.target.wants/bocker-boot.service", target: path }],
    folders: [],
    reload: ["systemctl", "daemon-reload"],
  };
}

/** Specifiers begin with %; the quotes are C's (systemd.syntax(7)). */
function systemdQuote(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%");
  return /[\s"'\\;]/.test(text) ? `"${escaped}"` : escaped;
}

/** In a command line $ begins a variable, too. */
function systemdWord(word: string): string {
  return systemdQuote(word).replaceAll("$", "$$$$");
}

function planOpenRc({ command, env }: HookRequest): BootHook {
  const path = "/etc/init.d/bocker-boot";
  const call = command.map(shellWord).join(" ");
  const text = `#!/sbin/openrc-run
${mark}description="Containers of bocker that run whenever the machine does"
${exportsOf(env)}
depend() {
	need localmount
	use net dns
	after net firewall iptables ip6tables nftables cgroups
}

start() {
	ebegin "Starting containers"
	${call} boot >/dev/null
	eend $?
}

stop() {
	ebegin "Stopping containers"
	${call} boot stop >/dev/null
	eend $?
}
`;
  return {
    files: [{ path, mode: 0o755, text }],
    links: [{ path: "/etc/runlevels/default/bocker-boot", target: path }],
    folders: [],
  };
}

function planRunit({ command, env, serviceFolder = "/etc/service" }: HookRequest): BootHook {
  const folder = "/etc/sv/bocker-boot";
  const call = command.map(shellWord).join(" ");
  const head = `#!/bin/sh\n${mark}${exportsOf(env)}`;
  return {
    files: [
      // The longest sleep that every sleep(1) takes: runsv ends it.
      { path: `${folder}/run`, mode: 0o755, text: `${head}${call} boot\nexec sleep 2147483647\n` },
      { path: `${folder}/finish`, mode: 0o755, text: `${head}exec ${call} boot stop\n` },
    ],
    links: [{ path: `${serviceFolder}/bocker-boot`, target: folder }],
    folders: [folder],
  };
}

function planCron({ command, env }: HookRequest): BootHook {
  const lines = Object.entries(env).map(([key, value]) => `${key}="${value}"\n`);
  // A percent sign ends the command line there.
  const call = command.map(shellWord).join(" ").replaceAll("%", "\\%");
  const text = `${mark}PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
${lines.join("")}@reboot root ${call} boot >/dev/null
`;
  return {
    files: [{ path: "/etc/cron.d/bocker-boot", mode: 0o644, text }],
    links: [],
    folders: [],
    note: "cron calls nothing when the system goes down: containers get the signals that it sends to every process",
  };
}

function exportsOf(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([key, value]) => `export ${key}=${shellWord(value)}\n`)
    .join("");
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
