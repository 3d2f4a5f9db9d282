import { describe, expect, it } from "vitest";
import { buildFrame, type SpanRow } from "../../test/frame-writer";
import { placesByWeight } from "./colors";
import { criticalPath } from "./critical";
import { countMarks, errorRows, findSpans, nextMark, placeOf } from "./find";
import { FrameError, nameOf, parseFrame, rowOf, serviceOf, spanIdOf } from "./frame";
import { indexOfRow, isFolded, reveal, setDepth, setSubtree, toggle, visibleRows, WHOLE } from "./rows";
import { ancestors, buildTree } from "./tree";

const id = (n: number) => n.toString(16).padStart(16, "0");
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

function frameOf(rows: readonly Partial<SpanRow>[]) {
  const full = rows.map((row, index) => ({
    spanId: id(index + 1),
    depth: 0,
    start: 0,
    duration: 10,
    service: "shop",
    name: "work",
    ...row,
  }));
  return parseFrame(buildFrame(TRACE, "1700000000000000000", full));
}

//  0 root 0..100
//  1   cart 0..20
//  2     redis 5..10
//  3   pay 30..90 error
//  4..8   sql ×5
//  9 orphan 50..60
const example = frameOf([
  { duration: 100, name: "POST /order" },
  { depth: 1, duration: 20, service: "cart", name: "GetCart" },
  { depth: 2, start: 5, duration: 5, service: "redis", name: "GET" },
  { depth: 1, start: 30, duration: 60, service: "payment", name: "Charge", status: 2 },
  ...[31, 42, 53, 64, 75].map((start) => ({ depth: 2, start, duration: 10, service: "postgres", name: "SELECT" })),
  { start: 50, duration: 10, flags: 1, name: "late" },
]);
const tree = buildTree(example);

describe("frame", () => {
  it("gives back what was written", () => {
    expect(example.spanCount).toBe(10);
    expect(serviceOf(example, 3)).toBe("payment");
    expect(nameOf(example, 4)).toBe("SELECT");
    expect(example.start[8]).toBe(75);
    expect(spanIdOf(example, 9)).toBe(id(10));
    expect(rowOf(example, id(10))).toBe(9);
    expect(rowOf(example, id(99))).toBe(-1);
  });

  it("refuses other bytes, cut bytes and columns out of bounds", () => {
    const good = buildFrame(TRACE, "0", [{ spanId: id(1), depth: 0, start: 0, duration: 1, service: "a", name: "b" }]);
    expect(() => parseFrame(new ArrayBuffer(4))).toThrow(FrameError);
    expect(() => parseFrame(good.slice(0, good.byteLength - 8))).toThrow(/out of bounds/);
    const other = good.slice(0);
    new Uint8Array(other)[3] = 0x32;
    expect(() => parseFrame(other)).toThrow(/TWF2/);
    const huge = good.slice(0);
    new DataView(huge).setUint32(4, 0xfffffff8, true);
    expect(() => parseFrame(huge)).toThrow(/header/);
  });
});

describe("tree", () => {
  it("finds parents, subtrees, places and roots", () => {
    expect([...tree.parent]).toEqual([-1, 0, 1, 0, 3, 3, 3, 3, 3, -1]);
    expect([...tree.end]).toEqual([9, 3, 3, 9, 5, 6, 7, 8, 9, 10]);
    expect([...tree.children]).toEqual([2, 1, 0, 5, 0, 0, 0, 0, 0, 0]);
    expect(tree.position[3]).toBe(2);
    expect(tree.roots).toBe(2);
    expect(ancestors(tree, 5)).toEqual([0, 3]);
  });

  it("self time leaves out what children cover, counting overlaps once", () => {
    expect(tree.self[0]).toBe(20);
    expect(tree.self[3]).toBe(10);
    const overlapping = frameOf([
      { duration: 100 },
      { depth: 1, start: 10, duration: 50 },
      { depth: 1, start: 40, duration: 500 },
    ]);
    expect(buildTree(overlapping).self[0]).toBe(10);
  });

  it("marks runs of five or more like leaves", () => {
    expect(tree.repeats[4]).toBe(5);
    expect([...tree.head]).toEqual([0, 1, 2, 3, 4, 4, 4, 4, 4, 9]);
  });

  it("holds on random trees", () => {
    let seed = 7;
    const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
    for (let round = 0; round < 50; round += 1) {
      let depth = 0;
      const frame = frameOf(
        Array.from({ length: 200 }, (_, index) => {
          depth = index === 0 ? 0 : Math.floor(random() * (depth + 2));
          return { depth, start: index, duration: Math.floor(random() * 300) };
        }),
      );
      const { parent, end, self } = buildTree(frame);
      for (let row = 0; row < 200; row += 1) {
        const up = parent[row]!;
        if (up >= 0) {
          expect(frame.depth[up]!).toBeLessThan(frame.depth[row]!);
          expect(end[row]).toBeLessThanOrEqual(end[up]!);
        }
        expect(self[row]).toBeGreaterThanOrEqual(0);
      }
    }
  });
});

describe("rows", () => {
  it("fold repeats, collapse and open again", () => {
    expect([...visibleRows(tree, WHOLE)]).toEqual([0, 1, 2, 3, 4, 9]);
    expect(isFolded(tree, WHOLE, 4)).toBe(true);
    const unfolded = toggle(tree, WHOLE, 4);
    expect(visibleRows(tree, unfolded).length).toBe(10);
    const closed = toggle(tree, WHOLE, 0);
    expect([...visibleRows(tree, closed)]).toEqual([0, 9]);
    expect([...visibleRows(tree, toggle(tree, closed, 0))]).toEqual([0, 1, 2, 3, 4, 9]);
  });

  it("can be closed from a depth on, or a whole subtree at once", () => {
    expect([...visibleRows(tree, setDepth(tree, WHOLE, example.depth, 1))]).toEqual([0, 1, 3, 9]);
    const closed = setSubtree(tree, WHOLE, 0, true);
    expect([...visibleRows(tree, toggle(tree, closed, 0))]).toEqual([0, 1, 3, 9]);
  });

  it("show another root or only matches with their ancestors", () => {
    expect([...visibleRows(tree, { ...WHOLE, top: 3 })]).toEqual([3, 4]);
    expect([...visibleRows(tree, { ...WHOLE, only: findSpans(example, "redis") })]).toEqual([0, 1, 2]);
  });

  it("are revealed wherever they hide", () => {
    const hidden = setSubtree(tree, { ...WHOLE, top: 1 }, 0, true);
    expect([...visibleRows(tree, reveal(tree, hidden, 6))]).toContain(6);
    expect(reveal(tree, WHOLE, 3)).toBe(WHOLE);
  });

  it("are found by bisection", () => {
    expect(indexOfRow(Int32Array.of(0, 1, 4, 9), 4)).toBe(2);
    expect(indexOfRow(Int32Array.of(0, 1, 4, 9), 7)).toBe(2);
  });
});

describe("find", () => {
  it.each([
    ["select", 5],
    ["service:payment", 1],
    ["status:error", 1],
    ["-status:error", 9],
    ["duration>=60ns", 2],
    ["duration<6ns redis", 1],
    ['name:"POST /order"', 1],
    ["kind:internal", 10],
    ["nothing", 0],
  ])("%s finds %d", (query, found) => expect(countMarks(findSpans(example, query)!)).toBe(found));

  it("is off without words", () => expect(findSpans(example, "  ")).toBeUndefined());

  it("goes round", () => {
    const marks = findSpans(example, "select")!;
    expect(nextMark(marks, 8, 1)).toBe(4);
    expect(nextMark(marks, 4, -1)).toBe(8);
    expect(nextMark(new Uint8Array(3), 0, 1)).toBe(-1);
    expect(placeOf(marks, 5)).toBe(2);
    expect(nextMark(errorRows(example), -1, 1)).toBe(3);
  });
});

describe("critical path", () => {
  it("covers each root's duration exactly once", () => {
    const path = criticalPath(example, tree).filter(({ row }) => row < 9);
    expect(path.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(100);
    expect(new Set(path.map(({ row }) => row))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8]));
  });

  it("leaves out what was not waited for", () => {
    const frame = frameOf([
      { duration: 100 },
      { depth: 1, duration: 40, name: "aside" },
      { depth: 1, start: 10, duration: 80 },
    ]);
    expect(criticalPath(frame, buildTree(frame))).toEqual([
      { row: 0, from: 90, to: 100 },
      { row: 2, from: 10, to: 90 },
      { row: 0, from: 0, to: 10 },
    ]);
  });

  it("cuts a child that outlives its parent", () => {
    const frame = frameOf([{ duration: 50 }, { depth: 1, start: 20, duration: 500 }]);
    expect(criticalPath(frame, buildTree(frame))).toEqual([
      { row: 1, from: 20, to: 50 },
      { row: 0, from: 0, to: 20 },
    ]);
  });
});

it("colours follow self time, the same for everybody", () => {
  expect(placesByWeight(["a", "b", "c"], [1, 9, 5])).toEqual([2, 0, 1]);
  expect(placesByWeight(["a", "b"], [1, 1])).toEqual(placesByWeight(["b", "a"], [1, 1]).reverse());
});
