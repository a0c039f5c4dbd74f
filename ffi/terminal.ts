/**
 * A terminal's modes, and whether reading from a descriptor waits. Window sizes and pty pairs are in tty.ts.
 *
 * See ioctl_tty(2), termios(3), fcntl(2). The struct is the kernel's, not libc's: 36 bytes, the same on x86-64 and
 * arm64 (include/uapi/asm-generic/termbits.h).
 */
import { fcntlCommands, openFlags } from "./flags.ts";
import { syscall, trySyscall } from "./libc.ts";

const TCGETS = 0x5401;
const TCSETSW = 0x5403;
const { F_GETFL, F_SETFL } = fcntlCommands;

/**
 * struct termios: u32 c_iflag @0, c_oflag @4, c_cflag @8, c_lflag @12, u8 c_line @16, u8 c_cc[19] @17; 36 bytes.
 */
export const termiosBytes = 36;
const VTIME = 17 + 5;
const VMIN = 17 + 6;

const inputFlags = {
  IGNBRK: 0o1,
  BRKINT: 0o2,
  PARMRK: 0o10,
  ISTRIP: 0o40,
  INLCR: 0o100,
  IGNCR: 0o200,
  ICRNL: 0o400,
  IXON: 0o2000,
} as const;
const outputFlags = { OPOST: 0o1 } as const;
const newlineFlags = { ONLCR: 0o4 } as const;
const controlFlags = { CSIZE: 0o60, CS8: 0o60, PARENB: 0o400 } as const;
const localFlags = { ISIG: 0o1, ICANON: 0o2, ECHO: 0o10, ECHONL: 0o100, IEXTEN: 0o100000 } as const;

/** A terminal's modes as the kernel keeps them; opaque, to be given back. */
export type TerminalModes = Uint8Array;

/** True when the descriptor is a terminal; isatty(3). */
export function isTerminal(fd: number): boolean {
  return trySyscall("ioctl", [fd, TCGETS, new Uint8Array(termiosBytes)]) >= 0;
}

/** ioctl(2) TCGETS. ENOTTY: not a terminal. */
export function getTerminalModes(fd: number): TerminalModes {
  const modes = new Uint8Array(termiosBytes);
  syscall("ioctl", [fd, TCGETS, modes], () => `${fd}, TCGETS`);
  return modes;
}

/** ioctl(2) TCSETSW: once what was written has gone out. From the background the kernel sends SIGTTOU first. */
export function setTerminalModes(fd: number, modes: TerminalModes): void {
  syscall("ioctl", [fd, TCSETSW, modes], () => `${fd}, TCSETSW`);
}

/** The same modes made raw, as cfmakeraw(3): every byte is passed on as typed, at once, none is echoed. Pure. */
export function rawModes(modes: TerminalModes): TerminalModes {
  const raw = Uint8Array.from(modes);
  const view = new DataView(raw.buffer);
  clear(view, 0, inputFlags);
  clear(view, 4, outputFlags);
  clear(view, 8, controlFlags);
  view.setUint32(8, (view.getUint32(8, true) | controlFlags.CS8) >>> 0, true);
  clear(view, 12, localFlags);
  raw[VMIN] = 1;
  raw[VTIME] = 0;
  return raw;
}

/** The same modes without a carriage return before every line end that is written. Pure. */
export function verbatimModes(modes: TerminalModes): TerminalModes {
  const verbatim = Uint8Array.from(modes);
  clear(new DataView(verbatim.buffer), 4, newlineFlags);
  return verbatim;
}

/** The same modes without echo: lines are edited as before, and not shown. Pure. */
export function silentModes(modes: TerminalModes): TerminalModes {
  const silent = Uint8Array.from(modes);
  clear(new DataView(silent.buffer), 12, { ECHO: localFlags.ECHO, ECHONL: localFlags.ECHONL });
  return silent;
}

function clear(view: DataView, offset: number, flags: Readonly<Record<string, number>>): void {
  const mask = Object.values(flags).reduce((all, flag) => all | flag, 0);
  view.setUint32(offset, (view.getUint32(offset, true) & ~mask) >>> 0, true);
}

/**
 * fcntl(2) F_SETFL: sets or clears O_NONBLOCK and says whether it was set. The flag belongs to the open file
 * description, which other processes may share: only for descriptors that were opened here.
 */
export function setNonBlocking(fd: number, on: boolean): boolean {
  const flags = syscall("fcntl", [fd, F_GETFL, 0], () => `${fd}, F_GETFL`);
  const was = (flags & openFlags.O_NONBLOCK) !== 0;
  const wanted = on ? flags | openFlags.O_NONBLOCK : flags & ~openFlags.O_NONBLOCK;
  if (was !== on) syscall("fcntl", [fd, F_SETFL, wanted], () => `${fd}, F_SETFL, ${wanted}`);
  return was;
}
