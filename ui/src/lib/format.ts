/** Numbers, durations and sizes as people read them. Pure. */

const THIN = "\u2009";

/** At most three significant digits, without trailing zeros beyond what the unit needs: 1.24, 12.4, 124. */
export function significant(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 99.95) return String(Math.round(value));
  if (magnitude >= 9.995) return trim(value.toFixed(1));
  return trim(value.toFixed(2));
}

function trim(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

const DURATION_UNITS: readonly (readonly [string, number])[] = [
  ["ns", 1],
  ["µs", 1e3],
  ["ms", 1e6],
  ["s", 1e9],
];

/** A duration to three significant digits: "870 ns", "1.24 s", "3 min 20 s", "2 h 5 min". */
export function duration(nano: number): string {
  if (!Number.isFinite(nano)) return "–";
  if (nano < 0) return `−${duration(-nano)}`;
  if (nano >= 59.95e9) return longDuration(Math.round(nano / 1e9));
  let [unit, size] = DURATION_UNITS[0]!;
  for (const [nextUnit, nextSize] of DURATION_UNITS) {
    if (nano >= nextSize * 0.9995) [unit, size] = [nextUnit, nextSize];
  }
  return `${significant(nano / size)}${THIN}${unit}`;
}

const LONG_UNITS: readonly (readonly [string, number])[] = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
  ["s", 1],
];

function longDuration(seconds: number): string {
  const first = LONG_UNITS.findIndex(([, size]) => seconds >= size);
  const [unit, size] = LONG_UNITS[first]!;
  const whole = Math.floor(seconds / size);
  const next = LONG_UNITS[first + 1];
  const rest = next ? Math.floor((seconds - whole * size) / next[1]) : 0;
  const head = `${whole}${THIN}${unit}`;
  return next && rest > 0 ? `${head} ${rest}${THIN}${next[0]}` : head;
}

/** A duration as the search language reads it, not larger than `nano`: "500ms", "1.24s". */
export function durationLiteral(nano: number): string {
  const [unit, size] = nano >= 1e9 ? ["s", 1e9] : nano >= 1e6 ? ["ms", 1e6] : nano >= 1e3 ? ["us", 1e3] : ["ns", 1];
  return `${trim((nano / (size as number)).toFixed(3))}${unit}`;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A whole number with grouped digits: 1,284. */
export function count(value: number): string {
  return grouped.format(value);
}

/** A number with a unit prefix: 950, 1.2 k, 34 M. */
export function compact(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude < 1_000) return significant(value);
  for (const [prefix, size] of [
    ["k", 1e3],
    ["M", 1e6],
    ["G", 1e9],
    ["T", 1e12],
  ] as const) {
    if (magnitude < size * 999.5 || prefix === "T") return `${significant(value / size)}${THIN}${prefix}`;
  }
  return String(value);
}

/** A rate in one unit for a whole column: "412/s", or "3/min" when the greatest is below one a second. */
export function rate(perSecond: number, greatest = perSecond): string {
  return greatest > 0 && greatest < 1 ? `${significant(perSecond * 60)}/min` : `${compact(perSecond)}/s`;
}

/** A share of a whole in percent: "3.1 %", "0 %", "<0.1 %". */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const share = (part / whole) * 100;
  if (share > 0 && share < 0.1) return `<0.1${THIN}%`;
  return `${share >= 10 ? Math.round(share) : trim(share.toFixed(1))}${THIN}%`;
}

/** A number of bytes in binary units: "812 B", "18 MiB". */
export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1023.5 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${significant(value)}${THIN}${units[unit]}`;
}

/** One word for one, the plural for the rest: "1 span", "184 spans". */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The head and tail of an identifier: "4bf9…4736". */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}
