/** Traces and logs of the shop. */

import type { Attributes, LogRecord, SpanDetail } from "../../src/api/types";
import type { Operation } from "./shop";
import { Random } from "./random";

export interface MockSpan extends SpanDetail {
  depth: number;
  startMs: number;
}

export interface MockTrace {
  traceId: string;
  startMs: number;
  durationNano: number;
  spans: MockSpan[];
  logs: LogRecord[];
}

export const nano = (ms: number): string => `${Math.floor(ms)}${String(Math.floor((ms % 1) * 1e6)).padStart(6, "0")}`;

const SCOPE = { name: "io.opentelemetry.shop", version: "1.4.2", attributes: {} };

function resource(service: string, random: Random): Attributes {
  return {
    "service.name": service,
    "service.version": `2.${service.length}.1`,
    "deployment.environment.name": "production",
    "k8s.namespace.name": "shop",
    "k8s.pod.name": `${service}-7f9c-x${random.int(1, 3)}`,
    "host.name": `node-${random.int(1, 4)}`,
    "telemetry.sdk.language": "go",
  };
}

/** One trace that starts at that time. */
export function generateTrace(operation: Operation, startMs: number, seed: number): MockTrace {
  const random = new Random(seed);
  const trace: MockTrace = { traceId: random.hex(32), startMs, durationNano: 0, spans: [], logs: [] };
  const slow = random.chance(0.03) ? 6 : 1;
  run(trace, operation, "", 0, startMs, random, slow);
  trace.durationNano = Math.max(...trace.spans.map((span) => (span.startMs - startMs) * 1e6 + span.durationNano));
  return trace;
}

function run(
  trace: MockTrace,
  operation: Operation,
  parent: string,
  depth: number,
  at: number,
  random: Random,
  slow: number,
): number {
  const place = trace.spans.length;
  const spanId = random.hex(16);
  const span = {} as MockSpan;
  trace.spans.push(span);
  const own = operation.ms * random.skewed() * slow;
  let now = at + own * 0.3;
  let failed = random.chance(operation.failure ?? 0);
  for (const call of operation.calls ?? []) {
    for (let time = 0; time < (call.times ?? 1); time += 1) {
      const before = trace.spans.length;
      const end = run(trace, call, spanId, depth + 1, now + 0.2 * random.next(), random, slow);
      if (call.kind !== "consumer") now = end;
      failed ||= call.kind !== "internal" && trace.spans[before]!.statusCode === "error" && random.chance(0.8);
    }
  }
  const end = now + own * 0.7;
  Object.assign(span, spanOf(trace.traceId, operation, { spanId, parent, depth, at, end, failed, place }, random));
  addLogs(trace, span, operation, random);
  return end;
}

interface Run {
  spanId: string;
  parent: string;
  depth: number;
  at: number;
  end: number;
  failed: boolean;
  place: number;
}

function spanOf(traceId: string, operation: Operation, run: Run, random: Random): MockSpan {
  const attributes: Record<string, string | number | boolean> = {
    ...operation.attributes,
    "thread.id": random.int(1, 64),
  };
  if (run.failed && "http.route" in attributes) attributes["http.response.status_code"] = 500;
  if (operation.service === "payment")
    Object.assign(attributes, { "card.brand": random.pick(["visa", "amex"]), "card.present": false });
  const message = "card declined: insufficient funds";
  return {
    traceId,
    spanId: run.spanId,
    parentSpanId: run.parent,
    name: operation.name,
    kind: operation.kind,
    serviceName: operation.service,
    startTimeUnixNano: nano(run.at),
    endTimeUnixNano: nano(run.end),
    durationNano: Math.round((run.end - run.at) * 1e6),
    statusCode: run.failed ? "error" : operation.kind === "server" ? "ok" : "unset",
    statusMessage: run.failed ? message : "",
    traceState: "",
    flags: 257,
    attributes,
    resource: resource(operation.service, random),
    scope: SCOPE,
    events: run.failed ? [exception(run, message)] : [],
    links: operation.kind === "consumer" ? [link(random)] : [],
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
    depth: run.depth,
    startMs: run.at,
  };
}

const link = (random: Random) => ({
  traceId: random.hex(32),
  spanId: random.hex(16),
  traceState: "",
  flags: 1,
  attributes: { "messaging.operation.type": "publish" },
  droppedAttributesCount: 0,
});

function exception(run: Run, message: string) {
  return {
    timeUnixNano: nano(run.at + (run.end - run.at) * 0.9),
    name: "exception",
    attributes: {
      "exception.type": "shop.payment.CardDeclined",
      "exception.message": message,
      "exception.stacktrace": [
        `shop.payment.CardDeclined: ${message}`,
        "    at shop.payment.Bank.charge(Bank.java:118)",
        "    at shop.payment.ChargeHandler.handle(ChargeHandler.java:57)",
        "    at io.grpc.stub.ServerCalls.invoke(ServerCalls.java:182)",
      ].join("\n"),
    },
    droppedAttributesCount: 0,
  };
}

function addLogs(trace: MockTrace, span: MockSpan, operation: Operation, random: Random): void {
  if (operation.log) {
    const body = operation.log[1].replaceAll("<n>", () => String(random.int(2, 9000)));
    trace.logs.push(logOf(span, operation.log[0], body, 0.8, random));
  }
  if (span.statusCode === "error") {
    trace.logs.push(logOf(span, 17, `${span.name} failed: ${span.statusMessage}`, 0.95, random));
    if (random.chance(0.3)) {
      const lines = `panic recovered <script>alert("x")</script>\n  goroutine 41\n  shop/payment/charge.go:118`;
      trace.logs.push(logOf(span, 21, lines, 0.96, random));
    }
  }
}

const SEVERITIES: Readonly<Record<number, string>> = { 5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR", 21: "FATAL" };

function logOf(span: MockSpan, severity: number, body: string, share: number, random: Random): LogRecord {
  const ms = span.startMs + (span.durationNano / 1e6) * share;
  return {
    timestamp: nano(ms),
    timeUnixNano: nano(ms),
    observedTimeUnixNano: nano(ms + 1),
    serviceName: span.serviceName,
    severityNumber: severity,
    severityText: SEVERITIES[severity] ?? "",
    body,
    traceId: span.traceId,
    spanId: span.spanId,
    eventName: "",
    flags: 1,
    attributes: {
      "thread.id": random.int(1, 64),
      "logger.name": `shop.${span.serviceName}`,
      "code.line.number": random.int(10, 400),
    },
    resource: span.resource,
    scope: SCOPE,
    droppedAttributesCount: 0,
  };
}
