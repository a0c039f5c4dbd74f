/**
 * What a check of `doctor` is given, and what it gives. Types only.
 */
import type { EngineSettings } from "../config/engine-settings.ts";
import type { Paths } from "../host/paths.ts";

export interface Finding {
  /** `warn`: containers run, and something is missing or worse than it could be. */
  readonly status: "ok" | "warn" | "fail";
  /** One line. */
  readonly found: string;
  /** What a person can do. */
  readonly hint?: string;
}

export interface DoctorHost {
  readonly settings: EngineSettings;
  readonly paths: Paths;
}

export interface HostCheck {
  readonly name: string;
  /** What it throws is a failure. */
  look(host: DoctorHost): Finding;
}
