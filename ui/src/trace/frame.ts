/** The trace frame (docs/formats/trace-frame.md): a whole trace as typed arrays over the received bytes. Pure. */

export interface Exactness {
  state: "exact" | "partial";
  reason?: string;
}

/** A trace in depth-first order; the row number is the handle of a span. */
export interface TraceFrame {
  traceId: string;
  spanCount: number;
  startTimeUnixNano: string;
  durationNano: number;
  errorCount: number;
  serviceNames: readonly string[];
  spanNames: readonly string[];
  exactness: Exactness;
  spanId: Uint8Array;
  depth: Uint16Array;
  start: Float64Array;
  duration: Float64Array;
  service: Uint32Array;
  name: Uint32Array;
  kind: Uint8Array;
  status: Uint8Array;
  flags: Uint8Array;
  events: Uint16Array;
  links: Uint16Array;
}

/** Bits of the `flags` column. */
export const FLAG = { parentMissing: 1, startsBeforeParent: 2, endsBeforeStart: 4, dropped: 8 } as const;

/** Values of the `status` column that mean something. */
export const STATUS = { unset: 0, ok: 1, error: 2 } as const;

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;

const MAGIC = "TWF1";
const ALIGNMENT = 8;

/** What went wrong with the bytes of a frame. */
export class FrameError extends Error {}

interface Column {
  name: string;
  type: string;
  offset: number;
  length: number;
}

type Header = Omit<TraceFrame, (typeof COLUMNS)[number]["name"]> & { columns: Column[] };

const COLUMNS = [
  { name: "spanId", view: Uint8Array, type: "u8", width: 8 },
  { name: "depth", view: Uint16Array, type: "u16", width: 1 },
  { name: "start", view: Float64Array, type: "f64", width: 1 },
  { name: "duration", view: Float64Array, type: "f64", width: 1 },
  { name: "service", view: Uint32Array, type: "u32", width: 1 },
  { name: "name", view: Uint32Array, type: "u32", width: 1 },
  { name: "kind", view: Uint8Array, type: "u8", width: 1 },
  { name: "status", view: Uint8Array, type: "u8", width: 1 },
  { name: "flags", view: Uint8Array, type: "u8", width: 1 },
  { name: "events", view: Uint16Array, type: "u16", width: 1 },
  { name: "links", view: Uint16Array, type: "u16", width: 1 },
] as const;

/** Views the bytes of a frame; refuses what does not keep to the format. */
export function parseFrame(buffer: ArrayBuffer): TraceFrame {
  const { header, body } = readHeader(buffer);
  const views: Record<string, unknown> = {};
  for (const column of COLUMNS) {
    const found = header.columns.find(({ name }) => name === column.name);
    if (!found) throw new FrameError(`column ${column.name} is missing`);
    const bytes = found.length * column.view.BYTES_PER_ELEMENT;
    if (found.type !== column.type) throw new FrameError(`column ${column.name} has type ${found.type}`);
    if (found.length !== header.spanCount * column.width)
      throw new FrameError(`column ${column.name} has another length`);
    if (found.offset < 0 || found.offset % ALIGNMENT !== 0 || body + found.offset + bytes > buffer.byteLength) {
      throw new FrameError(`column ${column.name} is out of bounds`);
    }
    views[column.name] = new column.view(buffer, body + found.offset, found.length);
  }
  const { columns: _, ...rest } = header;
  return { ...rest, ...views } as unknown as TraceFrame;
}

function readHeader(buffer: ArrayBuffer): { header: Header; body: number } {
  if (buffer.byteLength < 8) throw new FrameError("shorter than its own head");
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new FrameError(`begins with ${JSON.stringify(magic)}, not with ${MAGIC}`);
  const length = new DataView(buffer).getUint32(4, true);
  if (length % ALIGNMENT !== 0 || 8 + length > buffer.byteLength) throw new FrameError("its header is out of bounds");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as Header;
  const valid =
    Number.isSafeInteger(header.spanCount) && Array.isArray(header.columns) && Array.isArray(header.serviceNames);
  if (!valid || !Array.isArray(header.spanNames)) throw new FrameError("its header is incomplete");
  return { header, body: 8 + length };
}

/** Hexadecimal id of a span. */
export function spanIdOf(frame: TraceFrame, row: number): string {
  let id = "";
  for (let index = row * 8; index < row * 8 + 8; index += 1) id += frame.spanId[index]!.toString(16).padStart(2, "0");
  return id;
}

/** The row of a span id, or -1. */
export function rowOf(frame: TraceFrame, spanId: string): number {
  if (!/^[0-9a-f]{16}$/i.test(spanId)) return -1;
  const wanted = Array.from({ length: 8 }, (_, index) => parseInt(spanId.slice(index * 2, index * 2 + 2), 16));
  const ids = frame.spanId;
  for (let at = 0; at < ids.length; at += 8) {
    if (ids[at] === wanted[0] && wanted.every((byte, index) => ids[at + index] === byte)) return at / 8;
  }
  return -1;
}

export const serviceOf = (frame: TraceFrame, row: number): string => frame.serviceNames[frame.service[row]!] ?? "";
export const nameOf = (frame: TraceFrame, row: number): string => frame.spanNames[frame.name[row]!] ?? "";
export const kindOf = (frame: TraceFrame, row: number): string => KINDS[frame.kind[row]!] ?? "unknown";
export const isError = (frame: TraceFrame, row: number): boolean => frame.status[row] === STATUS.error;
export const hasFlag = (frame: TraceFrame, row: number, flag: number): boolean => (frame.flags[row]! & flag) !== 0;
