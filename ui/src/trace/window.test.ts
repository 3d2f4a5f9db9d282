import { expect, it } from "vitest";
import { clamp, fit, isWhole, pan, share, ticks, whole, zoom } from "./window";

it("zooming keeps the instant under the pointer", () => {
  const zoomed = zoom({ from: 0, to: 1000 }, 0.5, 0.25, 1000);
  expect(zoomed).toEqual({ from: 125, to: 625 });
  expect(share(zoomed, 250)).toBe(0.25);
});

it("a window never leaves the trace or becomes empty", () => {
  expect(clamp({ from: -50, to: 50 }, 1000)).toEqual({ from: 0, to: 100 });
  expect(clamp({ from: 990, to: 1100 }, 1000)).toEqual({ from: 890, to: 1000 });
  expect(zoom({ from: 0, to: 20 }, 0.001, 0, 1000).to).toBe(10);
  expect(isWhole(zoom({ from: 400, to: 600 }, 100, 0.5, 1000), 1000)).toBe(true);
  expect(pan({ from: 0, to: 500 }, 4, 1000)).toEqual({ from: 500, to: 1000 });
  expect(whole(0).to).toBeGreaterThan(0);
});

it("a span is fitted with a margin", () => {
  expect(fit(100, 100, 1000)).toEqual({ from: 92, to: 208 });
});

it("ticks are round", () => {
  expect(ticks({ from: 0, to: 1240 }, 6)).toEqual([0, 500, 1000]);
  expect(ticks({ from: 130, to: 190 }, 6)).toEqual([130, 140, 150, 160, 170, 180, 190]);
});
