/**
 * Checks of single values that more than one option, or an option and the engine's configuration, share. Pure.
 *
 * Each throws Error(reason) in docker's words and gives the value back as it is kept.
 */
import { EngineRefusal } from "./engine-refusal.ts";
import { ipVersion } from "./ip-version.ts";

/** `--dns`. */
export function checkIpAddress(text: string): string {
  const ip = text.trim();
  if (ipVersion(ip) === 0) throw new Error(`IP address is not correctly formatted: ${text}`);
  return ip;
}

/** `--dns-search`; `.` alone asks for no search domain at all. */
export function checkSearchDomain(text: string): string {
  const domain = text.trim();
  const label = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i;
  const isDomain =
    domain.length <= 255 &&
    domain
      .replace(/\.$/, "")
      .split(".")
      .every((each) => label.test(each));
  if (domain !== "." && !isDomain) throw new Error(`${text} is not a valid domain`);
  return domain;
}

/** `--add-host NAME:IP`, `NAME=IP`, `NAME:host-gateway`; kept with a colon. */
export function checkHostEntry(text: string): string {
  const match = /^([^:=]+)[:=](.*)$/.exec(text);
  if (!match) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const [, name = "", given = ""] = match;
  const ip = /^\[(.*)\]$/.exec(given)?.[1] ?? given;
  if (ip !== "host-gateway" && ipVersion(ip) === 0) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(given)}`);
  }
  if (/[\s#]/.test(name)) throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  return `${name}:${ip}`;
}

/** `--name`; docker lets it start with a slash. */
export function checkContainerName(text: string): string {
  const name = text.replace(/^\//, "");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    throw new EngineRefusal(`Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return name;
}

const kernelSysctls =
  "kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax kernel.shmmni kernel.shm_rmid_forced";

/** `--sysctl`: only what belongs to a namespace of the container. */
export function checkSysctl(text: string): string {
  const equals = text.indexOf("=");
  const key = text.slice(0, equals);
  const isAllowed = equals > 0 && /^[a-zA-Z0-9][a-zA-Z0-9_.:/-]*$/.test(key) && !/\.\.|\/\./.test(key);
  const isNamespaced = /^(net\.|fs\.mqueue\.)/.test(key) || kernelSysctls.split(" ").includes(key);
  if (!isAllowed || !isNamespaced) throw new Error(`sysctl '${text}' is not allowed`);
  return text;
}

/** `--cgroup-conf FILE=VALUE`. */
export function checkCgroupConf(text: string): string {
  if (!/^[a-z][a-z0-9_]*\.[A-Za-z0-9_.]+=./.test(text)) {
    throw new Error(
      `invalid cgroup setting ${JSON.stringify(text)}: expected FILE=VALUE, like memory.high=1073741824`,
    );
  }
  return text;
}

/** `--cpuset-cpus`, `--cpuset-mems`: `0-3,5`. */
export function checkCpuset(text: string, kind: "cpus" | "mems"): string {
  const isList = text.split(",").every((part) => {
    const [, first, last = first] = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(part) ?? [];
    return first !== undefined && Number(first) <= Number(last);
  });
  if (text !== "" && !isList) throw new EngineRefusal(`Invalid value ${text} for cpuset ${kind}`);
  return text;
}

const signalNames =
  "HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS UNUSED RTMIN RTMAX";

/** `--stop-signal`: a name with or without SIG, a number (any, as in docker), RTMIN+n. */
export function checkSignal(text: string): string {
  const name = text.toUpperCase().replace(/^SIG/, "");
  const isNumber = /^[0-9]{1,9}$/.test(text) && Number(text) > 0;
  const isRealTime = /^RT(MIN\+([1-9]|1[0-5])|MAX-([1-9]|1[0-4]))$/.test(name);
  if (!isNumber && !isRealTime && !signalNames.split(" ").includes(name))
    throw new EngineRefusal(`invalid signal: ${text}`);
  return text;
}

/** A host name of at most 64 bytes, sethostname(2)'s limit. */
export function checkHostname(text: string): string {
  if (Buffer.byteLength(text) > 64 || /[\s/]/.test(text)) throw new Error(`invalid hostname format: ${text}`);
  return text;
}

/** `host`, `container:X`, or one of the words given; the option's name is docker's prefix. */
export function checkNamespaceMode(text: string, problem: Error, words: readonly string[]): string {
  if (!words.includes(text) && !/^container:[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) throw problem;
  return text;
}
