import { expect, it } from "vitest";
import type { LogRecord } from "../../api/types";
import { bodyLine, bodyText } from "../../kit/body";
import { severityName, severityOf } from "../../kit/severity";
import { chosenIn, keyOf } from "./record";

const record = (changes: Partial<LogRecord>): LogRecord => ({
  timestamp: "1700000000000000001",
  timeUnixNano: "1700000000000000001",
  observedTimeUnixNano: "1700000000000000009",
  serviceName: "shop",
  severityNumber: 9,
  severityText: "",
  body: "hello",
  traceId: "",
  spanId: "",
  eventName: "",
  flags: 0,
  attributes: {},
  resource: {},
  scope: { name: "", version: "", attributes: {} },
  droppedAttributesCount: 0,
  ...changes,
});

it("records of one instant have different keys, and are found again by them", () => {
  const records = [record({}), record({ body: "other" }), record({ serviceName: "cart" })];
  expect(new Set(records.map(keyOf)).size).toBe(3);
  expect(chosenIn(records, keyOf(records[1]!))).toBe(records[1]);
  expect(chosenIn(records, "1-x")).toBeUndefined();
});

it("bodies become text, in one line or in all", () => {
  expect(bodyLine("a\n  b")).toBe("a b");
  expect(bodyLine({ a: [1, "x"] })).toBe('{"a":[1,"x"]}');
  expect(bodyText({ a: 1 })).toBe('{\n  "a": 1\n}');
  expect(bodyText(null)).toBe("");
  expect(bodyText('{"level":"info", "msg":"a b"}')).toBe('{\n  "level": "info",\n  "msg": "a b"\n}');
  expect(bodyText("{not json}")).toBe("{not json}");
  expect(bodyText('{"id":12345678901234567890}')).toBe('{"id":12345678901234567890}');
});

it("severities are classes of four numbers", () => {
  expect([0, 1, 4, 5, 9, 13, 17, 20, 21, 24, 25].map(severityOf)).toEqual([
    "unset",
    "trace",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "error",
    "fatal",
    "fatal",
    "unset",
  ]);
  expect(severityName({ severityText: "Notice", severityNumber: 9 })).toBe("Notice");
  expect(severityName({ severityText: "", severityNumber: 13 })).toBe("WARN");
});
