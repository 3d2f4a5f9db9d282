import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { poll, restMs } from "./poll";

const page = { hidden: false };

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("document", page);
  page.hidden = false;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("rests longer after answers that took long", () => {
  expect(restMs(5_000, 20)).toBe(5_000);
  expect(restMs(5_000, 2_000)).toBe(18_000);
});

it("asks again after each answer, also after failures, and not once it is stopped", async () => {
  let asked = 0;
  const stop = poll(1_000, () => (++asked === 2 ? Promise.reject(new Error("no answer")) : Promise.resolve()));
  expect(asked).toBe(0);
  await vi.advanceTimersByTimeAsync(1_001);
  expect(asked).toBe(1);
  await vi.advanceTimersByTimeAsync(2_002);
  expect(asked).toBe(3);
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toBe(3);
});

it("waits for the answer, and while the page is hidden", async () => {
  let asked = 0;
  let answer = () => {};
  const stop = poll(1_000, () => {
    asked += 1;
    return new Promise((resolve) => (answer = resolve));
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toBe(1);
  page.hidden = true;
  answer();
  // It took a minute, so that nine pass before the next would be due.
  await vi.advanceTimersByTimeAsync(20 * 60_000);
  expect(asked).toBe(1);
  page.hidden = false;
  await vi.advanceTimersByTimeAsync(1_001);
  expect(asked).toBe(2);
  stop();
});
