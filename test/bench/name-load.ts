/**
 * A client that asks one name server as fast as it answers, so many questions at a time; run in a container's network
 * namespace by names.ts.
 *
 *   bun name-load.ts SERVER NAME SECONDS AT-ONCE      prints {perSecond, medianMs, p99Ms, lost, wrong} as JSON
 */
import { queryBytes } from "../unit/network/dns-fixture.ts";

export interface NameLoad {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Not answered within a second. */
  readonly lost: number;
  /** Answered without an address. */
  readonly wrong: number;
}

const lostMs = 1000;

async function load(server: string, name: string, seconds: number, atOnce: number): Promise<NameLoad> {
  const sentMs = new Map<number, number>();
  const times: number[] = [];
  let [id, lost, wrong] = [0, 0, 0];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  const ask = () => {
    id = (id + 1) & 0xffff;
    sentMs.set(id, performance.now());
    socket.send(queryBytes({ id, name }));
  };
  const socket = await Bun.udpSocket({
    connect: { hostname: server, port: 53 },
    socket: {
      data: (_socket, message) => {
        const now = performance.now();
        const answered = message.readUInt16BE(0);
        const sent = sentMs.get(answered);
        if (sent === undefined) return;
        sentMs.delete(answered);
        times.push(now - sent);
        if ((message.readUInt16BE(2) & 0xf) !== 0 || message.readUInt16BE(6) === 0) wrong++;
        if (now < endMs) ask();
      },
    },
  });
  for (let count = 0; count < atOnce; count++) ask();
  while (performance.now() < endMs) {
    await Bun.sleep(50);
    for (const [late, sent] of sentMs) {
      if (performance.now() - sent < lostMs) continue;
      sentMs.delete(late);
      lost++;
      ask();
    }
  }
  socket.close();
  times.sort((a, b) => a - b);
  const at = (part: number) =>
    times[Math.min(Math.floor(times.length * part), times.length - 1)] ?? Number.NaN;
  return { perSecond: times.length / seconds, medianMs: at(0.5), p99Ms: at(0.99), lost, wrong };
}

if (import.meta.main) {
  const [server = "", name = "", seconds = "", atOnce = ""] = process.argv.slice(2);
  console.log(JSON.stringify(await load(server, name, Number(seconds), Number(atOnce))));
}
