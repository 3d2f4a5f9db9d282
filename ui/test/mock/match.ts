/** A simple judge of queries for the mock: words, fields, comparisons, negation; no OR and no groups. */

import type { LogRecord } from "../../src/api/types";
import { tokenize, unquote } from "../../src/query/lexer";
import type { MockSpan } from "./generate";

export type Row = MockSpan | LogRecord;

export class QueryError extends Error {
  constructor(
    message: string,
    readonly position: number,
  ) {
    super(message);
  }
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const LEVELS = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];

export const isSpan = (row: Row): row is MockSpan => "parentSpanId" in row;

export const level = (severity: number): string => LEVELS[severity === 0 ? 0 : Math.ceil(severity / 4)] ?? "unset";

/** The value of a field of a row, as text or number. */
export function fieldOf(row: Row, field: string): unknown {
  if (field === "service") return row.serviceName;
  if (field === "trace_id") return row.traceId;
  if (field === "span_id") return row.spanId;
  if (isSpan(row)) {
    if (field === "name") return row.name;
    if (field === "kind") return row.kind;
    if (field === "status") return row.statusCode;
    if (field === "duration") return row.durationNano;
  } else if (field === "severity") return level(row.severityNumber);
  else if (field === "body") return row.body;
  const key = field.replace(/^(?:span|log|resource)\./, "");
  return row.attributes[key] ?? row.resource[key];
}

type Test = (row: Row) => boolean;

/** Compiles a query. */
export function compile(query: string): Test {
  const tokens = tokenize(query).filter(({ kind }) => kind !== "space");
  const tests: Test[] = [];
  let negated = false;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at]!;
    const text = query.slice(token.start, token.end);
    let test: Test;
    if (token.kind === "negation") {
      negated = true;
      continue;
    } else if (token.kind === "open") {
      throw new QueryError(
        `expected a closing quote for the one at byte ${token.start}, found the end of the query`,
        token.start,
      );
    } else if (token.kind === "field") {
      const value = tokens[at + 2];
      if (!value) throw new QueryError(`expected a value right after "${text}"`, query.length);
      const operator = query.slice(tokens[at + 1]!.start, tokens[at + 1]!.end);
      test = fieldTest(unquote(text), operator, unquote(query.slice(value.start, value.end)));
      at += 2;
    } else if (token.kind === "paren" || token.kind === "keyword") continue;
    else test = textTest(unquote(text));
    tests.push(negated ? (row) => !test(row) : test);
    negated = false;
  }
  return (row) => tests.every((test) => test(row));
}

function textTest(text: string): Test {
  const wanted = text.toLowerCase().replaceAll("*", "");
  const of = (row: Row) => (isSpan(row) ? `${row.name} ${row.statusMessage}` : String(row.body));
  return (row) => of(row).toLowerCase().includes(wanted);
}

function fieldTest(field: string, operator: string, value: string): Test {
  if (value === "*") return (row) => fieldOf(row, field) !== undefined;
  if (operator === ":" || operator === "=") {
    const pattern = new RegExp(
      `^${value
        .split("*")
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
    );
    return (row) => pattern.test(String(fieldOf(row, field) ?? ""));
  }
  if (operator === "!=") return (row) => String(fieldOf(row, field)) !== value;
  const number = numberOf(field, value);
  return (row) => {
    const found = field === "severity" && !isSpan(row) ? row.severityNumber : Number(fieldOf(row, field));
    if (operator === ">") return found > number;
    if (operator === ">=") return found >= number;
    return operator === "<" ? found < number : found <= number;
  };
}

function numberOf(field: string, value: string): number {
  if (field === "severity") return LEVELS.indexOf(value) * 4 - 3;
  const duration = /^([\d.]+)(ns|us|ms|s|m|h)$/.exec(value);
  return duration ? Number(duration[1]) * UNITS[duration[2]!]! : Number(value);
}
