import { expect, it } from "vitest";
import { foundWords } from "./found";

const found = { total: 1200, listed: 300, live: 0, hasMore: true, countedTo: undefined };

it("the total is the server's count, or at least what is listed", () => {
  expect(foundWords(found)).toBe("1,200 lines");
  expect(foundWords({ ...found, total: 299 })).toBe("300 lines");
});

it("without a count it is what is listed so far", () => {
  expect(foundWords({ ...found, total: undefined })).toBe("300 lines listed, more below");
  expect(foundWords({ ...found, total: undefined, hasMore: false })).toBe("300 lines");
});

it("says until when it counts while lines are followed", () => {
  expect(foundWords({ ...found, live: 1500, listed: 1800, countedTo: "12:00:05" })).toBe("1,200 lines up to 12:00:05");
});

it("keeps new lines apart from a range that does not move", () => {
  expect(foundWords({ ...found, live: 3, listed: 303 })).toBe("1,200 lines, and 3 new");
});
