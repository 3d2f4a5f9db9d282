/** A trace of as many spans as its id says (`b16` and a decimal number): for measuring. */

import { buildFrame, type SpanRow } from "../frame-writer";
import { Random } from "./random";

export function bigFrame(traceId: string): ArrayBuffer {
  const size = Number(traceId.slice(3).replace(/^0+/, "")) || 100_000;
  const random = new Random(5);
  const names = Array.from(
    { length: 90 },
    (_, index) => `${random.pick(["GET", "SELECT", "process", "Charge"])} /step/${index}`,
  );
  const rows: SpanRow[] = [];
  const open: { end: number }[] = [];
  let at = 0;
  for (let index = 0; index < size; index += 1) {
    while (open.length > 0 && (open.at(-1)!.end <= at || open.length > 14)) open.pop();
    const depth = index === 0 ? 0 : Math.max(1, open.length);
    const duration =
      index === 0 ? size * 50_000 : Math.min(random.skewed() * 800_000 * (15 - depth), size * 50_000 - at);
    const status = random.chance(0.002) ? 2 : 0;
    const service = index === 0 ? "service-0" : `service-${(depth * 3 + random.int(0, 2)) % 24}`;
    rows.push({
      spanId: index.toString(16).padStart(16, "0"),
      depth,
      start: at,
      duration: Math.max(0, duration),
      service,
      name: random.pick(names),
      kind: 2,
      status,
      events: status,
      links: 0,
    });
    open.push({ end: at + duration });
    if (open.length > 6 || random.chance(0.5)) at += random.next() * 95_000;
  }
  return buildFrame(traceId, `${Date.now() - 600_000}000000`, rows);
}
