/** Everything that the mock knows. */

import { generateTrace, type MockSpan, type MockTrace } from "./generate";
import { Random } from "./random";
import { VISITS } from "./shop";
import type { LogRecord } from "../../src/api/types";

const STEP_MS = 2_400;
const PAST = 4_000;
const FUTURE = 1_500;

export const startedMs = Date.now();
const traces: MockTrace[] = [];
const byId = new Map<string, MockTrace>();

function visit(random: Random) {
  let at = random.next() * VISITS.reduce((sum, [weight]) => sum + weight, 0);
  return VISITS.find(([weight]) => (at -= weight) < 0)?.[1] ?? VISITS[0]![1];
}

for (let index = -PAST; index < FUTURE; index += 1) {
  const random = new Random(index * 7919);
  const ms = startedMs + index * STEP_MS + random.next() * STEP_MS;
  // Busier and quieter times, so that charts have a shape.
  if (random.chance(0.35 + 0.3 * Math.sin(index / 90))) continue;
  const trace = generateTrace(visit(random), ms, index * 104_729 + 17);
  traces.push(trace);
  byId.set(trace.traceId, trace);
}

export const traceById = (id: string): MockTrace | undefined => byId.get(id);

export const happened = (): MockTrace[] =>
  traces.filter(({ startMs, durationNano }) => startMs + durationNano / 1e6 <= Date.now());

/** Spans that start in the range, oldest first. */
export const spansIn = (fromMs: number, toMs: number): MockSpan[] =>
  happened()
    .flatMap(({ spans }) => spans)
    .filter(({ startMs }) => startMs >= fromMs && startMs < toMs);

const msOf = (log: LogRecord) => Number(log.timeUnixNano) / 1e6;

/** Logs in the range, oldest first. */
export const logsIn = (fromMs: number, toMs: number): LogRecord[] =>
  happened()
    .flatMap(({ logs }) => logs)
    .filter((log) => msOf(log) >= fromMs && msOf(log) < toMs)
    .sort((a, b) => msOf(a) - msOf(b));
