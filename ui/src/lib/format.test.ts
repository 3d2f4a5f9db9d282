import { describe, expect, it } from "vitest";
import { bytes, compact, count, duration, durationLiteral, percent, plural, rate, shortId } from "./format";

const plain = (text: string) => text.replaceAll("\u2009", " ");

describe("durations", () => {
  it.each([
    [0, "0 ns"],
    [870, "870 ns"],
    [1_100, "1.1 µs"],
    [999_960, "1 ms"],
    [598_000_000, "598 ms"],
    [1_240_000_000, "1.24 s"],
    [12_340_000_000, "12.3 s"],
    [59_960_000_000, "1 min"],
    [200_000_000_000, "3 min 20 s"],
    [7_500_000_000_000, "2 h 5 min"],
    [-1_500_000, "−1.5 ms"],
  ])("%d is %s", (nano, text) => expect(plain(duration(nano))).toBe(text));

  it("keep no digits that nobody reads", () => {
    for (let exponent = 0; exponent < 10.5; exponent += 0.1) {
      const digits = plain(duration(10 ** exponent))
        .split(" ")[0]!
        .replace(/[.]/, "")
        .replace(/^0+/, "");
      expect(digits.length).toBeLessThanOrEqual(3);
    }
  });

  it("are written as the search language reads them", () => {
    expect(durationLiteral(500e6)).toBe("500ms");
    expect(durationLiteral(1.24e9)).toBe("1.24s");
    expect(durationLiteral(320)).toBe("320ns");
  });
});

describe("numbers", () => {
  it("are grouped or shortened", () => {
    expect(count(48211)).toBe("48,211");
    expect(plain(compact(1234))).toBe("1.23 k");
    expect(plain(compact(999_600))).toBe("1 M");
    expect(plain(compact(12))).toBe("12");
  });

  it("become rates and shares", () => {
    expect(rate(0)).toBe("0/s");
    expect(rate(0.05)).toBe("3/min");
    expect(rate(0.05, 40)).toBe("0.05/s");
    expect(plain(rate(1200))).toBe("1.2 k/s");
    expect(plain(percent(31, 1000))).toBe("3.1 %");
    expect(plain(percent(1, 100_000))).toBe("<0.1 %");
    expect(percent(0, 0)).toBe("–");
  });

  it("carry their unit", () => {
    expect(plain(bytes(812))).toBe("812 B");
    expect(plain(bytes(18 * 1024 * 1024))).toBe("18 MiB");
    expect(plural(1, "span")).toBe("1 span");
    expect(plural(2, "query", "queries")).toBe("2 queries");
  });
});

it("identifiers are cut in the middle", () => {
  expect(shortId("4bf92f3577b34da6a3ce929d0e0e4736")).toBe("4bf9…4736");
});
