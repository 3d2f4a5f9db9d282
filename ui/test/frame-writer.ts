/** Writes a trace frame. The UI only reads frames; tests and the mock of the API write them. Pure. */

export interface SpanRow {
  spanId: string;
  depth: number;
  start: number;
  duration: number;
  service: string;
  name: string;
  kind?: number;
  status?: number;
  flags?: number;
  events?: number;
  links?: number;
}

const WIDTHS = { u8: 1, u16: 2, u32: 4, f64: 8 } as const;

/** The bytes of a frame of spans that are in depth-first order already. */
export function buildFrame(traceId: string, startTimeUnixNano: string, rows: readonly SpanRow[]): ArrayBuffer {
  const services = dictionary(rows.map(({ service }) => service));
  const names = dictionary(rows.map(({ name }) => name));
  const columns: [string, keyof typeof WIDTHS, ArrayLike<number>][] = [
    [
      "spanId",
      "u8",
      rows.flatMap(({ spanId }) => Array.from({ length: 8 }, (_, i) => parseInt(spanId.slice(i * 2, i * 2 + 2), 16))),
    ],
    ["depth", "u16", rows.map(({ depth }) => depth)],
    ["start", "f64", rows.map(({ start }) => start)],
    ["duration", "f64", rows.map(({ duration }) => duration)],
    ["service", "u32", services.codes],
    ["name", "u32", names.codes],
    ["kind", "u8", rows.map(({ kind }) => kind ?? 1)],
    ["status", "u8", rows.map(({ status }) => status ?? 0)],
    ["flags", "u8", rows.map(({ flags }) => flags ?? 0)],
    ["events", "u16", rows.map(({ events }) => events ?? 0)],
    ["links", "u16", rows.map(({ links }) => links ?? 0)],
  ];
  let offset = 0;
  const placed = columns.map(([name, type, values]) => {
    const column = { name, type, offset, length: values.length };
    offset += padded(values.length * WIDTHS[type]);
    return column;
  });
  const header = {
    traceId,
    spanCount: rows.length,
    startTimeUnixNano,
    durationNano: rows.reduce((end, row) => Math.max(end, row.start + row.duration), 0),
    errorCount: rows.filter(({ status }) => status === 2).length,
    serviceNames: services.words,
    spanNames: names.words,
    exactness: { state: "exact" },
    columns: placed,
  };
  return assemble(header, columns, placed, offset);
}

function assemble(
  header: object,
  columns: readonly [string, keyof typeof WIDTHS, ArrayLike<number>][],
  placed: readonly { offset: number }[],
  size: number,
): ArrayBuffer {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const head = padded(json.length);
  const bytes = new Uint8Array(8 + head + size);
  bytes.set(new TextEncoder().encode("TWF1"));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, head, true);
  bytes.fill(32, 8, 8 + head);
  bytes.set(json, 8);
  columns.forEach(([, type, values], index) => {
    const at = 8 + head + placed[index]!.offset;
    for (let item = 0; item < values.length; item += 1) write(view, type, at + item * WIDTHS[type], values[item]!);
  });
  return bytes.buffer;
}

function write(view: DataView, type: keyof typeof WIDTHS, at: number, value: number): void {
  if (type === "u8") view.setUint8(at, value);
  else if (type === "u16") view.setUint16(at, value, true);
  else if (type === "u32") view.setUint32(at, value, true);
  else view.setFloat64(at, value, true);
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function dictionary(words: readonly string[]): { words: string[]; codes: number[] } {
  const codes = new Map<string, number>();
  const coded = words.map((word) => {
    if (!codes.has(word)) codes.set(word, codes.size);
    return codes.get(word)!;
  });
  return { words: [...codes.keys()], codes: coded };
}
