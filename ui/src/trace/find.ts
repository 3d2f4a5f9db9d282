/** Finding spans in a trace that is on screen: words in names, `service:`, `name:`, `kind:`, `status:`, `duration>`. Pure. */

import { kindOf, STATUS, type TraceFrame } from "./frame";

type Test = (row: number) => boolean;

const UNIT_NANO: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const STATUS_WORDS = ["unset", "ok", "error"];

/** Marks the rows that meet every word of the query; undefined when it is empty. */
export function findSpans(frame: TraceFrame, query: string): Uint8Array | undefined {
  const words = query.match(/(?:[^\s"]|"[^"]*"?)+/g);
  if (!words) return undefined;
  const tests = words.map((word) => testOf(frame, word.replaceAll('"', "")));
  const marks = new Uint8Array(frame.spanCount);
  for (let row = 0; row < frame.spanCount; row += 1) marks[row] = tests.every((test) => test(row)) ? 1 : 0;
  return marks;
}

function testOf(frame: TraceFrame, word: string): Test {
  if (word.startsWith("-") && word.length > 1) {
    const test = testOf(frame, word.slice(1));
    return (row) => !test(row);
  }
  const duration = /^duration([<>]=?|:|=)(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)$/.exec(word);
  if (duration) return durationTest(frame, duration[1]!, Number(duration[2]) * UNIT_NANO[duration[3]!]!);
  const field = /^(service|name|kind|status)[:=](.*)$/.exec(word);
  return field ? fieldTest(frame, field[1]!, field[2]!) : textTest(frame, word);
}

function durationTest({ duration }: TraceFrame, operator: string, nano: number): Test {
  if (operator === ">") return (row) => duration[row]! > nano;
  if (operator === ">=") return (row) => duration[row]! >= nano;
  if (operator === "<") return (row) => duration[row]! < nano;
  if (operator === "<=") return (row) => duration[row]! <= nano;
  return (row) => duration[row]! === nano;
}

function fieldTest(frame: TraceFrame, field: string, value: string): Test {
  if (field === "status") {
    const code = STATUS_WORDS.indexOf(value);
    return (row) => (frame.status[row] ?? STATUS.unset) === code;
  }
  if (field === "kind") return (row) => kindOf(frame, row) === value;
  const wanted = value.toLowerCase();
  const words = field === "service" ? frame.serviceNames : frame.spanNames;
  const column = field === "service" ? frame.service : frame.name;
  const meets = Uint8Array.from(words, (word) => (word.toLowerCase() === wanted ? 1 : 0));
  return (row) => meets[column[row]!] === 1;
}

/** The text is looked for once in each distinct name, not once in each span. */
function textTest(frame: TraceFrame, text: string): Test {
  const wanted = text.toLowerCase();
  const contains = (word: string) => (word.toLowerCase().includes(wanted) ? 1 : 0);
  const services = Uint8Array.from(frame.serviceNames, contains);
  const names = Uint8Array.from(frame.spanNames, contains);
  return (row) => services[frame.service[row]!] === 1 || names[frame.name[row]!] === 1;
}

/** Marks the rows with an error. */
export function errorRows({ status }: TraceFrame): Uint8Array {
  return Uint8Array.from(status, (code) => (code === STATUS.error ? 1 : 0));
}

/** Number of marked rows. */
export function countMarks(marks: Uint8Array): number {
  let total = 0;
  for (const mark of marks) total += mark;
  return total;
}

/** The next marked row after `row` (or before it, for step -1), going round; -1 when none is marked. */
export function nextMark(marks: Uint8Array, row: number, step: 1 | -1): number {
  const size = marks.length;
  let at = row;
  for (let looked = 0; looked < size; looked += 1) {
    at = (at + step + size) % size;
    if (marks[at]) return at;
  }
  return -1;
}

/** "2 of 5": the place of a row among the marked ones, 0 when it is not marked. */
export function placeOf(marks: Uint8Array, row: number): number {
  if (row < 0 || !marks[row]) return 0;
  let place = 0;
  for (let at = 0; at <= row; at += 1) place += marks[at]!;
  return place;
}
