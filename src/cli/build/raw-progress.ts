/**
 * A build as JSON, an object a line, in the form of docker's `--progress rawjson`: vertexes, statuses, logs, warnings.
 * https://github.com/moby/buildkit/blob/v0.16.0/client/graph.go
 */
import { createHash } from "node:crypto";
import type { BuildEvent, BuildSource } from "../../engine/run-build.ts";
import type { Output } from "../command-spec.ts";
import { type BuildProgress, renderListing } from "./build-progress.ts";

interface Vertex {
  readonly digest: string;
  readonly name: string;
  readonly started: string;
}

/** `now` is the clock of the times that are written. */
export function createRawProgress(output: Output, now: () => Date = () => new Date()): BuildProgress {
  const vertexes = new Map<number, Vertex>();
  let source: BuildSource | undefined;
  const write = (value: object) => output.write(`${JSON.stringify(value)}\n`);
  const time = () => now().toISOString();
  return {
    source: (known) => {
      source = known;
    },
    event(event) {
      if (event.kind === "warning") {
        write({ warnings: [warningOf(event, source)] });
        return;
      }
      if (event.kind === "started") {
        const digest = digestOf(event.step, event.title);
        const vertex: Vertex = { digest, name: event.title, started: time() };
        vertexes.set(event.step, vertex);
        write({ vertexes: [vertex] });
        return;
      }
      const vertex = vertexes.get(event.step);
      if (vertex !== undefined) write(statusOf(event, vertex, time()));
    },
    end: () => undefined,
  };
}

type Later = Exclude<BuildEvent, { kind: "warning" | "started" }>;

function statusOf(event: Later, vertex: Vertex, timestamp: string): object {
  if (event.kind === "output") {
    const stream = event.stream === "stdout" ? 1 : 2;
    const data = Buffer.from(event.bytes).toString("base64");
    return { logs: [{ vertex: vertex.digest, stream, data, timestamp }] };
  }
  if (event.kind === "progress") {
    return {
      statuses: [
        {
          id: event.text,
          vertex: vertex.digest,
          name: event.text,
          current: 0,
          timestamp,
          started: vertex.started,
        },
      ],
    };
  }
  const ended = { ...vertex, completed: timestamp };
  if (event.kind === "cached") return { vertexes: [{ ...ended, cached: true }] };
  if (event.kind === "failed") return { vertexes: [{ ...ended, error: event.message }] };
  if (event.kind === "cancelled") return { vertexes: [{ ...ended, error: "context canceled" }] };
  return { vertexes: [ended] };
}

function warningOf(
  { message, location }: Extract<BuildEvent, { kind: "warning" }>,
  source: BuildSource | undefined,
): object {
  const short = Buffer.from(message).toString("base64");
  if (location === undefined || source === undefined) return { level: 1, short };
  return {
    level: 1,
    short,
    detail: [Buffer.from(renderListing(source, location)).toString("base64")],
    range: [{ start: { line: location.line }, end: { line: location.endLine } }],
  };
}

function digestOf(step: number, title: string): string {
  return `sha256:${createHash("sha256").update(`${step}\0${title}`).digest("hex")}`;
}
