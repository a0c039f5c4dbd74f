/**
 * Asking others: which servers, in which order, and how long each is waited for.
 *
 *   0 ms ──▶ first server     stagger ──▶ second, the first still awaited …     deadline ──▶ nobody: undefined
 *        └─▶ a server that was dead, tried again on the side
 *
 * A server that lets a query lapse or cannot be reached goes to the end of the row; from then on it is asked beside the
 * first one now and then, until it answers again. So a dead server costs one query a pause, not each.
 */
import { monotonicMs } from "../host/clock.ts";
import { askServer, type NameServerAddress, type ServerAnswer } from "./ask-server.ts";
import { type DnsQuery, dnsCode } from "./dns-message.ts";

export interface ForwarderTimes {
  /** Before the next server is asked as well. */
  readonly staggerMs: number;
  /** Clients (glibc) ask again after 5 s: they get an answer before. */
  readonly deadlineMs: number;
  /** How long a dead server is left alone. */
  readonly retryMs: number;
}

const defaultTimes: ForwarderTimes = { staggerMs: 300, deadlineMs: 4500, retryMs: 10_000 };
/** Each may have three sockets, of a limit that can be 1024: the rest of the monitor needs some too. */
const maxPending = 256;
/** Even a single server may have lost a datagram. */
const minAttempts = 3;

/** "busy": too many are under way. Undefined: no server gave an answer. */
export type ForwardResult = Uint8Array | "busy" | undefined;

export class DnsForwarder {
  readonly #servers: () => readonly NameServerAddress[];
  readonly #times: ForwarderTimes;
  /** When a dead server may be tried again, by address and port. */
  readonly #deadUntil = new Map<string, number>();
  #pending = 0;

  /** `servers` is asked for every query: the host's may change. */
  constructor(servers: () => readonly NameServerAddress[], times: Partial<ForwarderTimes> = {}) {
    this.#servers = servers;
    this.#times = { ...defaultTimes, ...times };
  }

  get pending(): number {
    return this.#pending;
  }

  /** The best answer there is: the first that settles the question, else the first refusal. */
  async forward(query: DnsQuery): Promise<ForwardResult> {
    if (this.#pending >= maxPending) return "busy";
    this.#pending++;
    try {
      return (await this.#race(query))?.message;
    } finally {
      this.#pending--;
    }
  }

  #race(query: DnsQuery): Promise<ServerAnswer | undefined> {
    const { row, trials } = this.#order();
    const length = row.length === 0 ? 0 : Math.max(row.length, minAttempts);
    const turns = Array.from({ length }, (_, index) => row[index % row.length]);
    const servers = turns.filter((server) => server !== undefined);
    return new ServerRace(query, this.#times, (server, isAlive) => this.#judge(server, isAlive)).run(
      servers,
      trials,
    );
  }

  /** Those that live first; the dead ones whose pause is over are tried on the side. */
  #order(): { readonly row: readonly NameServerAddress[]; readonly trials: readonly NameServerAddress[] } {
    const now = monotonicMs();
    const servers = this.#servers();
    const dead = servers.filter((server) => this.#deadUntil.has(keyOf(server)));
    if (dead.length === servers.length) return { row: servers, trials: [] };
    const trials = dead.filter((server) => (this.#deadUntil.get(keyOf(server)) ?? 0) <= now);
    for (const server of trials) this.#deadUntil.set(keyOf(server), now + this.#times.retryMs);
    return { row: [...servers.filter((server) => !dead.includes(server)), ...dead], trials };
  }

  #judge(server: NameServerAddress, isAlive: boolean): void {
    if (isAlive) this.#deadUntil.delete(keyOf(server));
    else this.#deadUntil.getOrInsert(keyOf(server), monotonicMs() + this.#times.retryMs);
  }
}

/** One query on its way to several servers. */
class ServerRace {
  readonly #query: DnsQuery;
  readonly #times: ForwarderTimes;
  readonly #judge: (server: NameServerAddress, isAlive: boolean) => void;
  readonly #over = new AbortController();
  readonly #result = Promise.withResolvers<ServerAnswer | undefined>();
  #waiting: NameServerAddress[] = [];
  /** Attempts under way: whom, and since when. */
  readonly #underWay = new Set<{ readonly server: NameServerAddress; readonly startMs: number }>();
  #refusal: ServerAnswer | undefined;
  #stagger: ReturnType<typeof setTimeout> | undefined;

  constructor(
    query: DnsQuery,
    times: ForwarderTimes,
    judge: (server: NameServerAddress, isAlive: boolean) => void,
  ) {
    this.#query = query;
    this.#times = times;
    this.#judge = judge;
  }

  /** `servers` one after the other, `trials` beside the first. */
  async run(
    servers: readonly NameServerAddress[],
    trials: readonly NameServerAddress[],
  ): Promise<ServerAnswer | undefined> {
    const deadline = setTimeout(() => this.#finish(this.#refusal), this.#times.deadlineMs);
    this.#waiting = [...servers];
    for (const server of trials) void this.#ask(server);
    this.#askNext();
    const answer = await this.#result.promise;
    clearTimeout(deadline);
    clearTimeout(this.#stagger);
    return answer;
  }

  #askNext(): void {
    clearTimeout(this.#stagger);
    const server = this.#waiting.shift();
    if (server !== undefined) {
      this.#stagger = setTimeout(() => this.#askNext(), this.#times.staggerMs);
      void this.#ask(server);
    } else if (this.#underWay.size === 0) this.#finish(this.#refusal);
  }

  async #ask(server: NameServerAddress): Promise<void> {
    const attempt = { server, startMs: monotonicMs() };
    this.#underWay.add(attempt);
    const answer = await askServer(server, this.#query, this.#over.signal);
    this.#underWay.delete(attempt);
    if (this.#over.signal.aborted) return;
    this.#judge(server, answer !== undefined);
    if (answer !== undefined && isSettled(answer)) {
      this.#finish(answer);
      return;
    }
    this.#refusal ??= answer;
    this.#askNext();
  }

  /** Those still silent are judged now; one that was asked just before had no chance to answer. */
  #finish(answer: ServerAnswer | undefined): void {
    const latestMs = monotonicMs() - this.#times.staggerMs;
    for (const { server, startMs } of this.#underWay) if (startMs <= latestMs) this.#judge(server, false);
    this.#over.abort();
    this.#result.resolve(answer);
  }
}

/** Refusals and failures of one server may be another's answer; that a name does not exist is one. */
function isSettled({ code }: ServerAnswer): boolean {
  return code === dnsCode.NOERROR || code === dnsCode.NXDOMAIN;
}

function keyOf({ address, port }: NameServerAddress): string {
  return `${address} ${port}`;
}
