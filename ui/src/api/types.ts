/** The shapes of docs/api.md, under the names that the OpenAPI document gives them. */

import type { Exactness } from "../trace/frame";

/** Nanoseconds since 1970, as a string. */
export type UnixNano = string;

export type AttributeValue =
  string | number | boolean | null | AttributeValue[] | { [key: string]: AttributeValue } | { bytes: string };
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface Statistics {
  elapsedMs: number;
  segmentsTotal: number;
  segmentsRead: number;
  rowsScanned: number;
}

export interface Answer {
  exactness: Exactness;
  statistics: Statistics;
}

export interface ServiceShare {
  name: string;
  spanCount: number;
  errorCount: number;
}

export interface TraceSummary {
  traceId: string;
  rootServiceName: string;
  rootSpanName: string;
  rootMissing?: boolean;
  firstServiceName?: string;
  firstSpanName?: string;
  startTimeUnixNano: UnixNano;
  durationNano: number;
  spanCount: number;
  errorCount: number;
  matchedSpanCount: number;
  services: ServiceShare[];
}

export interface TracePage extends Answer {
  traces: TraceSummary[];
  nextCursor: string | null;
}

export interface SpanHistogram extends Partial<Answer> {
  startTimeUnixNano: UnixNano;
  bucketNano: number;
  durationBoundsNano: number[];
  buckets: { count: number; errorCount: number; durations: number[] }[];
  count: number;
  errorCount: number;
  p50Nano: number | null;
  p95Nano: number | null;
}

export interface Facet {
  field: string;
  values: { value: string; count: number }[];
  otherCount: number;
  missingCount: number;
}

export interface FacetList extends Partial<Answer> {
  facets: Facet[];
}

export interface Scope {
  name: string;
  version: string;
  attributes: Attributes;
}

export interface SpanEvent {
  timeUnixNano: UnixNano;
  name: string;
  attributes: Attributes;
  droppedAttributesCount: number;
}

export interface SpanLink {
  traceId: string;
  spanId: string;
  traceState: string;
  flags: number;
  attributes: Attributes;
  droppedAttributesCount: number;
}

export interface SpanDetail {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: string;
  serviceName: string;
  startTimeUnixNano: UnixNano;
  endTimeUnixNano: UnixNano;
  durationNano: number;
  statusCode: "unset" | "ok" | "error";
  statusMessage: string;
  traceState: string;
  flags: number;
  attributes: Attributes;
  resource: Attributes;
  scope: Scope;
  events: SpanEvent[];
  links: SpanLink[];
  droppedAttributesCount: number;
  droppedEventsCount: number;
  droppedLinksCount: number;
}

export interface LogRecord {
  timestamp: string;
  timeUnixNano: UnixNano;
  observedTimeUnixNano: UnixNano;
  serviceName: string;
  severityNumber: number;
  severityText: string;
  body: AttributeValue;
  traceId: string;
  spanId: string;
  eventName: string;
  flags: number;
  attributes: Attributes;
  resource: Attributes;
  scope: Scope;
  droppedAttributesCount: number;
}

export interface LogPage extends Answer {
  logs: LogRecord[];
  nextCursor: string | null;
}

export interface LogHistogram extends Partial<Answer> {
  startTimeUnixNano: UnixNano;
  bucketNano: number;
  severities: string[];
  buckets: { count: number; severities: number[] }[];
  count: number;
}

export interface LogBatch {
  logs: LogRecord[];
  droppedCount: number;
}

export interface ServiceSeries {
  startTimeUnixNano: UnixNano;
  bucketNano: number;
  spanCounts: number[];
  errorCounts: number[];
  p95Nano: (number | null)[];
}

export interface ServiceSummary {
  name: string;
  spanCount: number;
  errorCount: number;
  ratePerSecond: number;
  p50Nano: number | null;
  p95Nano: number | null;
  p99Nano: number | null;
  logCount: number;
  series: ServiceSeries;
}

export interface ServiceList extends Partial<Answer> {
  services: ServiceSummary[];
}

export interface OperationSummary {
  name: string;
  kind: string;
  spanCount: number;
  errorCount: number;
  p50Nano: number | null;
  p95Nano: number | null;
  p99Nano: number | null;
}

export interface OperationList extends Partial<Answer> {
  operations: OperationSummary[];
}

export interface Field {
  name: string;
  scope: string;
  key: string;
  types: string[];
  count: number;
}

export interface FieldList extends Partial<Answer> {
  fields: Field[];
}

export interface FieldValues extends Partial<Answer> {
  values: { value: string; count: number }[];
}

export type Signal = "traces" | "logs";

export interface ErrorBody {
  error: { code: string; message: string; position?: number };
}

export interface TableStatus {
  tenant: string;
  signal: Signal;
  liveRows: number;
  liveBytes: number;
  segments: number;
  segmentRows: number;
  segmentBytes: number;
  earliestTimeUnixNano: UnixNano | null;
  latestTimeUnixNano: UnixNano | null;
}

export interface ReceivedCounts {
  acceptedRecords: number;
  rejectedRecords: number;
}

export interface Status {
  version: string;
  startTimeUnixNano: UnixNano;
  uptimeSeconds: number;
  ready: boolean;
  degraded: string | null;
  damaged: string[];
  addresses: { http: string | null; otlpGrpc: string | null; otlpHttp: string | null };
  received: {
    traces: ReceivedCounts;
    logs: ReceivedCounts;
    acceptedRequests: number;
    refusedRequests: number;
    bytes: number;
  };
  tables: TableStatus[];
  journalBytes: number;
}
