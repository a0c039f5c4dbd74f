/**
 * When a container's health is looked at: a clock in its monitor, which starts a process for each check and waits for it
 * before the next pause begins.
 */
import { messageOf } from "../errors.ts";
import { sinceBootMs } from "../host/clock.ts";

export interface HealthSchedule {
  /** Checks once; exit code `startingCode`: in the start period it is to be done again after the shorter pause. */
  readonly command: readonly string[];
  readonly startingCode: number;
  readonly intervalMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  /** Of the container, on the clock of sinceBootMs. */
  readonly startedMs: number;
  /** Of the next check, on the same clock; kept over a rest. */
  readonly nextMs: number;
}

export class HealthTimer {
  readonly #schedule: HealthSchedule;
  readonly #note: (text: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextMs: number;
  #isChecking = false;
  #isStopped = false;

  constructor(schedule: HealthSchedule, note: (text: string) => void) {
    this.#schedule = schedule;
    this.#note = note;
    this.#nextMs = schedule.nextMs;
    this.#arm();
  }

  /** To go on with in another process image; undefined while a check runs. */
  get resting(): HealthSchedule | undefined {
    return this.#isChecking ? undefined : { ...this.#schedule, nextMs: this.#nextMs };
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #arm(): void {
    this.#timer = setTimeout(() => void this.#check(), Math.max(this.#nextMs - sinceBootMs(), 0));
  }

  async #check(): Promise<void> {
    this.#isChecking = true;
    const isStarting = (await this.#run()) === this.#schedule.startingCode;
    this.#isChecking = false;
    if (this.#isStopped) return;
    const { startedMs, startPeriodMs, startIntervalMs, intervalMs } = this.#schedule;
    const now = sinceBootMs();
    this.#nextMs = now + (isStarting && now - startedMs < startPeriodMs ? startIntervalMs : intervalMs);
    this.#arm();
  }

  async #run(): Promise<number | undefined> {
    try {
      const { startCommand } = await import("../host/run-command.ts");
      const { command } = this.#schedule;
      return await startCommand(command, { stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exited;
    } catch (error) {
      this.#note(`cannot check the health: ${messageOf(error)}`);
      return undefined;
    }
  }
}

/** The pause before the first check. */
export function firstPauseMs(
  schedule: Pick<HealthSchedule, "intervalMs" | "startPeriodMs" | "startIntervalMs">,
): number {
  return schedule.startPeriodMs > 0 ? schedule.startIntervalMs : schedule.intervalMs;
}
