import { describe, expect, it } from "vitest";
import type { LogRecord } from "../../api/types";
import { LiveLines } from "./liveLines";

const line = (second: number) =>
  ({
    timestamp: `170000000${second}000000000`,
    serviceName: "shop",
    spanId: "",
    severityNumber: 9,
    body: `line ${second}`,
  }) as LogRecord;

const bodies = (tail: LiveLines) => tail.lines.value.map(({ body }) => body);

describe("live lines", () => {
  it("go on top, newest first", () => {
    const tail = new LiveLines();
    tail.add([line(1), line(2)], 0);
    tail.add([line(3)], 0);
    expect(bodies(tail)).toEqual(["line 3", "line 2", "line 1"]);
  });

  it("wait while the reader reads, and are counted", () => {
    const tail = new LiveLines();
    tail.add([line(1)], 0);
    tail.hold(true);
    tail.add([line(2)], 0);
    tail.add([line(3)], 0);
    expect(bodies(tail)).toEqual(["line 1"]);
    expect(tail.waiting.value).toBe(2);
    tail.release();
    expect(bodies(tail)).toEqual(["line 3", "line 2", "line 1"]);
    expect(tail.waiting.value).toBe(0);
  });

  it("come by themselves when the reader is back on top", () => {
    const tail = new LiveLines();
    tail.hold(true);
    tail.add([line(1)], 0);
    tail.hold(false);
    expect(bodies(tail)).toEqual(["line 1"]);
  });

  it("are not shown twice when the search listed them already", () => {
    const tail = new LiveLines();
    tail.exclude([line(1)]);
    tail.add([line(1), line(2)], 0);
    expect(bodies(tail)).toEqual(["line 2"]);
  });

  it("go when a search lists them later", () => {
    const tail = new LiveLines();
    tail.add([line(1), line(2)], 0);
    tail.exclude([line(1)]);
    expect(bodies(tail)).toEqual(["line 2"]);
  });

  it("are put where they belong when they come late", () => {
    const tail = new LiveLines();
    tail.add([line(1), line(4)], 0);
    tail.add([line(3), line(5)], 0);
    expect(bodies(tail)).toEqual(["line 5", "line 4", "line 3", "line 1"]);
  });

  it("are caught up with, each once, after an interruption", () => {
    const tail = new LiveLines();
    tail.exclude([line(1)]);
    tail.add([line(2)], 0);
    tail.hold(true);
    tail.add([line(5)], 0);
    tail.catchUp([line(5), line(4), line(3), line(2), line(1)]);
    expect(tail.waiting.value).toBe(3);
    tail.release();
    expect(bodies(tail)).toEqual(["line 5", "line 4", "line 3", "line 2"]);
  });

  it("say when the server skipped some", () => {
    const tail = new LiveLines();
    tail.state.value = "open";
    expect(tail.words.value).toBe("Live");
    tail.add([], 1200);
    expect(tail.words.value).toBe("Live, 1,200 skipped");
  });
});
