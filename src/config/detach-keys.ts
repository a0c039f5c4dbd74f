/**
 * `--detach-keys`: docker's notation for the keys that leave a container, as bytes. Pure.
 */

/** What docker uses when nothing was said. */
export const defaultDetachKeys = "ctrl-p,ctrl-q";

/** `ctrl-p,ctrl-q` to `[16, 17]`; single characters stand for themselves. Throws Error(reason). */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(","), (key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key.toLowerCase())?.[1];
    const code = control === undefined ? plainKey(key) : control.toUpperCase().charCodeAt(0) - 64;
    if (code === undefined)
      throw new Error(`invalid detach keys (${text}) provided: unknown character: '${key}'`);
    return code;
  });
}

function plainKey(key: string): number | undefined {
  const code = key.charCodeAt(0);
  return key.length === 1 && code < 128 ? code : undefined;
}
