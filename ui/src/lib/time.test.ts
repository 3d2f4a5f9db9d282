import { describe, expect, it } from "vitest";
import { clockTicks, isRelative, msToNano, nanoToMs, parseInstant, previous, resolve } from "./time";

const now = 1_700_000_000_000;

describe("instants", () => {
  it.each([
    ["now", now],
    ["now-15m", now - 900_000],
    ["now-7d", now - 604_800_000],
    ["1700000000", now],
    ["1700000000000", now],
    ["1700000000000000", now],
    ["1700000000000000000", now],
    ["2023-11-14T22:13:20Z", now],
  ])("%s is understood", (text, ms) => expect(parseInstant(text, now)).toBe(ms));

  it.each(["", "now-", "now+1h", "now-15x", "yesterday"])("%j is refused", (text) =>
    expect(parseInstant(text, now)).toBeUndefined(),
  );
});

describe("ranges", () => {
  it("resolve against one clock", () => {
    expect(resolve({ start: "now-1h", end: "now" }, now)).toEqual({ startMs: now - 3_600_000, endMs: now });
  });

  it("that make no sense become the default", () => {
    expect(resolve({ start: "now", end: "now-1h" }, now)).toEqual({ startMs: now - 3_600_000, endMs: now });
  });

  it("have a predecessor of the same length", () => {
    expect(previous({ startMs: 100, endMs: 150 })).toEqual({ startMs: 50, endMs: 100 });
  });

  it("know whether they move", () => {
    expect(isRelative({ start: "now-1h", end: "now" })).toBe(true);
    expect(isRelative({ start: "1700000000", end: "1700000100" })).toBe(false);
  });
});

it("nanoseconds go through strings", () => {
  expect(msToNano(1_700_000_000_000.4)).toBe("1700000000000000000");
  expect(nanoToMs("1700000000000500000")).toBeCloseTo(1_700_000_000_000.5, 3);
});

describe("ticks", () => {
  it("are round and not too many", () => {
    const ticks = clockTicks({ startMs: now, endMs: now + 3_600_000 }, 8, 0);
    expect(ticks.length).toBeLessThanOrEqual(8);
    expect(ticks.every((tick) => tick % 600_000 === 0)).toBe(true);
  });

  it("are round in the zone of the reader", () => {
    const offset = 5.5 * 3_600_000;
    const ticks = clockTicks({ startMs: now, endMs: now + 86_400_000 }, 8, offset);
    expect(ticks.every((tick) => (tick + offset) % 10_800_000 === 0)).toBe(true);
  });
});
