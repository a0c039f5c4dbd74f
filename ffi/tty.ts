/**
 * Pseudo-terminals and window sizes. Raw mode and the like are in terminal.ts. See ioctl_tty(2), pts(4).
 */
import { openFlags } from "./flags.ts";
import { syscall } from "./libc.ts";

const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const TIOCGPTN = 0x80045430;
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** struct winsize: u16 ws_row @0, ws_col @2, ws_xpixel @4, ws_ypixel @6; 8 bytes. */
export const winsizeBytes = 8;

/** ioctl(2) TIOCGWINSZ. ENOTTY: not a terminal. */
export function getWindowSize(fd: number): WindowSize {
  const size = new Uint16Array(4);
  syscall("ioctl", [fd, TIOCGWINSZ, new Uint8Array(size.buffer)], () => `${fd}, TIOCGWINSZ`);
  return { rows: size[0] ?? 0, columns: size[1] ?? 0 };
}

/** ioctl(2) TIOCSWINSZ, on either end; the foreground group gets SIGWINCH when it changed. */
export function setWindowSize(fd: number, size: WindowSize): void {
  const words = new Uint16Array([size.rows, size.columns, 0, 0]);
  syscall("ioctl", [fd, TIOCSWINSZ, new Uint8Array(words.buffer)], () => {
    return `${fd}, TIOCSWINSZ, {rows=${size.rows}, columns=${size.columns}}`;
  });
}

/** ioctl(2) TIOCSPTLCK with 0: lets the slave of this master be opened. */
export function unlockPty(master: number): void {
  const unlocked = new Uint8Array(4);
  syscall("ioctl", [master, TIOCSPTLCK, unlocked], () => `${master}, TIOCSPTLCK, 0`);
}

/** ioctl(2) TIOCGPTN: N of /dev/pts/N. */
export function ptyNumber(master: number): number {
  const number = new Uint32Array(1);
  syscall("ioctl", [master, TIOCGPTN, new Uint8Array(number.buffer)], () => `${master}, TIOCGPTN`);
  return number[0] ?? 0;
}

/** ioctl(2) TIOCGPTPEER (Linux 4.13): opens the slave without any path, not as controlling terminal, close-on-exec. */
export function openPtyPeer(master: number): number {
  const flags = openFlags.O_RDWR | openFlags.O_NOCTTY | openFlags.O_CLOEXEC;
  return syscall(
    "ioctl",
    [master, TIOCGPTPEER, flags],
    () => `${master}, TIOCGPTPEER, O_RDWR|O_NOCTTY|O_CLOEXEC`,
  );
}
