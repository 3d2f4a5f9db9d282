/** The answers of docs/api.md, from the mock's store. */

import { parseInstant } from "../../src/lib/time";
import type { LogRecord, ServiceMap, Status, TraceSummary } from "../../src/api/types";
import { buildFrame, type SpanRow } from "../frame-writer";
import { bigFrame } from "./big";
import { type MockSpan, type MockTrace, nano } from "./generate";
import { compile, fieldOf, isSpan, level, type Row } from "./match";
import { happened, logsIn, spansIn, startedMs, traceById } from "./store";

type Query = URLSearchParams;

const exact = () => ({
  exactness: { state: "exact" as const },
  statistics: { elapsedMs: 12, segmentsTotal: 212, segmentsRead: 3, rowsScanned: 48_211 },
});

function rangeOf(query: Query): [number, number] {
  const now = Date.now();
  return [parseInstant(query.get("start") ?? "now-1h", now) ?? 0, parseInstant(query.get("end") ?? "now", now) ?? now];
}

function rows(query: Query, signal: string): Row[] {
  const [from, to] = rangeOf(query);
  const test = compile(query.get("q") ?? "");
  return (signal === "logs" ? logsIn(from, to) : spansIn(from, to)).filter(test);
}

function page<T>(items: T[], query: Query): { items: T[]; nextCursor: string | null } {
  const from = Number(query.get("cursor") ?? 0);
  const to = from + Math.min(Number(query.get("limit") ?? 100), 1000);
  return { items: items.slice(from, to), nextCursor: to < items.length ? String(to) : null };
}

export function traces(query: Query) {
  const matched = new Map<string, Match>();
  for (const { traceId, startTimeUnixNano } of rows(query, "traces").filter(isSpan)) {
    const { count, latest } = matched.get(traceId) ?? { count: 0, latest: "" };
    // Times of today all have as many digits, so that they compare as texts.
    matched.set(traceId, { count: count + 1, latest: latest > startTimeUnixNano ? latest : startTimeUnixNano });
  }
  const newestFirst = [...matched].sort(([, a], [, b]) => (a.latest < b.latest ? 1 : -1));
  const { items, nextCursor } = page(newestFirst, query);
  return { traces: items.map(([id, match]) => summary(traceById(id)!, match)), nextCursor, ...exact() };
}

interface Match {
  count: number;
  latest: string;
}

function summary(trace: MockTrace, match: Match): TraceSummary {
  const services = new Map<string, { name: string; spanCount: number; errorCount: number }>();
  for (const { serviceName, statusCode } of trace.spans) {
    const service = services.get(serviceName) ?? { name: serviceName, spanCount: 0, errorCount: 0 };
    service.spanCount += 1;
    service.errorCount += Number(statusCode === "error");
    services.set(serviceName, service);
  }
  const root = trace.spans[0]!;
  return {
    traceId: trace.traceId,
    rootServiceName: root.serviceName,
    rootSpanName: root.name,
    rootMissing: false,
    firstServiceName: root.serviceName,
    firstSpanName: root.name,
    startTimeUnixNano: root.startTimeUnixNano,
    durationNano: Math.round(trace.durationNano),
    spanCount: trace.spans.length,
    errorCount: trace.spans.filter(({ statusCode }) => statusCode === "error").length,
    matchedSpanCount: match.count,
    latestMatchTimeUnixNano: match.latest,
    services: [...services.values()].sort((a, b) => b.spanCount - a.spanCount),
  };
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}

function quantile(sorted: readonly number[], share: number): number | null {
  return sorted.length === 0 ? null : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function bucketsOf(query: Query, otherwise: number): { from: number; width: number; size: number } {
  const [from, to] = rangeOf(query);
  const size = Number(query.get("buckets") ?? otherwise);
  return { from, width: (to - from) / size, size };
}

export function spanHistogram(query: Query) {
  const { from, width, size } = bucketsOf(query, 60);
  const bounds = Array.from({ length: 20 }, (_, index) => Math.round(1e5 * 2 ** (index * 0.85)));
  const buckets = Array.from({ length: size }, () => ({
    count: 0,
    errorCount: 0,
    durations: new Array<number>(21).fill(0),
  }));
  const spans = rows(query, "traces").filter(isSpan);
  for (const span of spans) {
    const bucket = buckets[Math.min(size - 1, Math.floor((span.startMs - from) / width))]!;
    bucket.count += 1;
    bucket.errorCount += Number(span.statusCode === "error");
    const above = bounds.findIndex((bound) => span.durationNano < bound);
    bucket.durations[above < 0 ? 20 : above]! += 1;
  }
  const sorted = spans.map(({ durationNano }) => durationNano).sort((a, b) => a - b);
  return {
    startTimeUnixNano: nano(from),
    bucketNano: Math.round(width * 1e6),
    durationBoundsNano: bounds,
    buckets,
    count: spans.length,
    errorCount: spans.filter(({ statusCode }) => statusCode === "error").length,
    p50Nano: quantile(sorted, 0.5),
    p95Nano: quantile(sorted, 0.95),
    ...exact(),
  };
}

export function logHistogram(query: Query) {
  const { from, width, size } = bucketsOf(query, 60);
  const severities = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];
  const buckets = Array.from({ length: size }, () => ({ count: 0, severities: new Array<number>(7).fill(0) }));
  const logs = rows(query, "logs") as LogRecord[];
  for (const log of logs) {
    const bucket = buckets[Math.min(size - 1, Math.floor((Number(log.timeUnixNano) / 1e6 - from) / width))]!;
    bucket.count += 1;
    bucket.severities[severities.indexOf(level(log.severityNumber))]! += 1;
  }
  return {
    startTimeUnixNano: nano(from),
    bucketNano: Math.round(width * 1e6),
    severities,
    buckets,
    count: logs.length,
    ...exact(),
  };
}

function tally(found: readonly Row[], field: string): [string, number][] {
  const counts = new Map<string, number>();
  for (const row of found) {
    const value = fieldOf(row, field);
    if (value !== undefined) counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}

export function facets(query: Query, signal: string) {
  const found = rows(query, signal);
  const limit = Number(query.get("limit") ?? 10);
  const facets = (query.get("fields") ?? "").split(",").map((field) => {
    const all = tally(found, field);
    const sum = (items: [string, number][]) => items.reduce((total, [, count]) => total + count, 0);
    return {
      field,
      values: all.slice(0, limit).map(([value, count]) => ({ value, count })),
      otherCount: sum(all.slice(limit)),
      missingCount: found.length - sum(all),
    };
  });
  return { facets, ...exact() };
}

const INTRINSIC: Readonly<Record<string, string[]>> = {
  traces: ["service", "name", "kind", "status", "status.message", "duration", "trace_id", "span_id"],
  logs: ["service", "severity", "body", "trace_id", "span_id", "event_name"],
};

export function fields(query: Query) {
  const signal = query.get("signal") ?? "traces";
  const counts = new Map<string, { scope: string; key: string; types: string[]; count: number }>();
  for (const row of rows(query, signal).slice(-3000)) {
    for (const [scope, attributes] of [
      [isSpan(row) ? "span" : "log", row.attributes],
      ["resource", row.resource],
    ] as const) {
      for (const [key, value] of Object.entries(attributes)) {
        const field = counts.get(`${scope}.${key}`) ?? {
          scope,
          key,
          types: [typeof value === "number" ? "int" : typeof value],
          count: 0,
        };
        field.count += 1;
        counts.set(`${scope}.${key}`, field);
      }
    }
  }
  const attributes = [...counts].map(([name, field]) => ({ name, ...field }));
  const intrinsic = INTRINSIC[signal]!.map((name) => ({
    name,
    scope: "intrinsic",
    key: name,
    types: ["string"],
    count: 9999,
  }));
  return { fields: [...intrinsic, ...attributes.sort((a, b) => b.count - a.count)], ...exact() };
}

export function fieldValues(query: Query) {
  const prefix = (query.get("prefix") ?? "").toLowerCase();
  const all = tally(rows(query, query.get("signal") ?? "traces"), query.get("field") ?? "");
  const fitting = all
    .filter(([value]) => value.toLowerCase().startsWith(prefix))
    .slice(0, Number(query.get("limit") ?? 20));
  return { values: fitting.map(([value, count]) => ({ value, count })), ...exact() };
}

export function logs(query: Query) {
  const { items, nextCursor } = page(rows(query, "logs").reverse(), query);
  return { logs: items, nextCursor, ...exact() };
}

export function logsOfTrace(traceId: string, query: Query) {
  const all = traceById(traceId)?.logs.toSorted((a, b) => (a.timeUnixNano < b.timeUnixNano ? -1 : 1)) ?? [];
  const spanId = query.get("spanId");
  const { items, nextCursor } = page(
    all.filter((log) => !spanId || log.spanId === spanId),
    query,
  );
  return { logs: items, nextCursor, ...exact() };
}

export function services(query: Query) {
  const [from, to] = rangeOf(query);
  const groups = groupBy(spansIn(from, to), ({ serviceName }) => serviceName);
  const logCounts = groupBy(logsIn(from, to), ({ serviceName }) => serviceName);
  const list = [...groups].map(([name, spans]) => ({
    ...red(spans),
    name,
    isOther: false,
    ratePerSecond: entries(spans).length / ((to - from) / 1e3),
    logCount: logCounts.get(name)?.length ?? 0,
    series: series(entries(spans), from, (to - from) / 30),
  }));
  return { services: list.sort((a, b) => (a.name < b.name ? -1 : 1)), ...exact() };
}

const entries = (spans: MockSpan[]) =>
  spans.filter(({ kind, depth }) => kind === "server" || kind === "consumer" || depth === 0);

function red(all: MockSpan[]) {
  const spans = entries(all);
  const sorted = spans.map(({ durationNano }) => durationNano).sort((a, b) => a - b);
  return {
    spanCount: spans.length,
    errorCount: spans.filter(({ statusCode }) => statusCode === "error").length,
    p50Nano: quantile(sorted, 0.5),
    p95Nano: quantile(sorted, 0.95),
    p99Nano: quantile(sorted, 0.99),
  };
}

function series(spans: MockSpan[], from: number, width: number) {
  const parts = Array.from({ length: 30 }, (_, index) =>
    red(spans.filter(({ startMs }) => Math.floor((startMs - from) / width) === index)),
  );
  return {
    startTimeUnixNano: nano(from),
    bucketNano: Math.round(width * 1e6),
    spanCounts: parts.map(({ spanCount }) => spanCount),
    errorCounts: parts.map(({ errorCount }) => errorCount),
    p95Nano: parts.map(({ p95Nano }) => p95Nano),
  };
}

export function operations(service: string, query: Query) {
  const groups = groupBy(
    spansIn(...rangeOf(query)).filter(({ serviceName }) => serviceName === service),
    ({ name }) => name,
  );
  const list = [...groups].map(([name, spans]) => ({
    ...red(spans),
    spanCount: spans.length,
    name,
    isOther: false,
    kind: spans[0]!.kind,
  }));
  return { operations: list.sort((a, b) => b.spanCount - a.spanCount), ...exact() };
}

export function serviceMap(query: Query): ServiceMap {
  const [from, to] = rangeOf(query);
  const spans = spansIn(from, to);
  const parents = new Map(spans.map((span) => [span.spanId, span]));
  const called = spans.filter(
    (span) => (parents.get(span.parentSpanId)?.serviceName ?? span.serviceName) !== span.serviceName,
  );
  const figures = (of: MockSpan[]) => {
    const sorted = of.map(({ durationNano }) => durationNano).sort((a, b) => a - b);
    const [p50Nano = 0, p95Nano = 0, p99Nano = 0] = [0.5, 0.95, 0.99].map((share) => quantile(sorted, share) ?? 0);
    const errorCount = of.filter(({ statusCode }) => statusCode === "error").length;
    return { errorCount, ratePerSecond: of.length / ((to - from) / 1e3), p50Nano, p95Nano, p99Nano };
  };
  const edges = [...groupBy(called, (span) => `${parents.get(span.parentSpanId)!.serviceName}\n${span.serviceName}`)];
  const nodes = [...groupBy(spans, ({ serviceName }) => serviceName)];
  return {
    startTimeUnixNano: nano(from),
    endTimeUnixNano: nano(to),
    nodes: nodes.map(([name, of]) => ({
      id: `service:${name}`,
      kind: "service",
      name,
      system: "",
      isOther: false,
      spanCount: entries(of).length,
      ...figures(entries(of)),
    })),
    edges: edges.map(([ends, of]) => {
      const [source, target] = ends.split("\n").map((name) => `service:${name}`);
      return { source: source!, target: target!, kind: "call", count: of.length, ...figures(of) };
    }),
    ...exact(),
  };
}

const big = new Map<string, ArrayBuffer>();

export function frame(traceId: string): ArrayBuffer | undefined {
  if (/^b16/.test(traceId)) return big.get(traceId) ?? big.set(traceId, bigFrame(traceId)).get(traceId);
  const trace = traceById(traceId);
  return (
    trace &&
    buildFrame(
      traceId,
      nano(trace.startMs),
      trace.spans.map((span) => frameRow(span, trace)),
    )
  );
}

const KINDS = ["", "internal", "server", "client", "producer", "consumer"];
const STATUSES = ["unset", "ok", "error"];

function frameRow(span: MockSpan, trace: MockTrace): SpanRow {
  return {
    spanId: span.spanId,
    depth: span.depth,
    start: Math.round((span.startMs - trace.startMs) * 1e6),
    duration: span.durationNano,
    service: span.serviceName,
    name: span.name,
    kind: KINDS.indexOf(span.kind),
    status: STATUSES.indexOf(span.statusCode),
    events: span.events.length,
    links: span.links.length,
  };
}

export function spanDetail(traceId: string, spanId: string) {
  if (/^b16/.test(traceId)) return { ...happened()[0]!.spans[0]!, traceId, spanId };
  return traceById(traceId)?.spans.find((span) => span.spanId === spanId);
}

export function status(): Status {
  const seen = happened();
  const rows = { traces: seen.flatMap(({ spans }) => spans).length, logs: seen.flatMap(({ logs }) => logs).length };
  return {
    version: "0.1.0",
    startTimeUnixNano: nano(startedMs),
    uptimeSeconds: Math.round((Date.now() - startedMs) / 1e3),
    ready: true,
    degraded: null,
    damaged: [],
    addresses: { http: "127.0.0.1:4319", otlpGrpc: "127.0.0.1:4317", otlpHttp: "127.0.0.1:4318" },
    received: {
      traces: { acceptedRecords: rows.traces, rejectedRecords: 0 },
      logs: { acceptedRecords: rows.logs, rejectedRecords: 3 },
      acceptedRequests: 4_120,
      refusedRequests: 1,
      bytes: 48_000_000,
    },
    tables: (["traces", "logs"] as const).map((signal) => ({
      tenant: "default",
      signal,
      liveRows: 1_200,
      liveBytes: 700_000,
      segments: 12,
      segmentRows: rows[signal],
      segmentBytes: rows[signal] * 41,
      earliestTimeUnixNano: nano(startedMs - 9e6),
      latestTimeUnixNano: nano(Date.now()),
    })),
    journalBytes: 4_000_000,
  };
}
