/** A name for a log record in the URL: records have no id of their own. Pure. */

import type { LogRecord } from "../../api/types";
import { bodyLine } from "../../kit/body";

/** Time, and a checksum of what tells records of one instant apart. */
export function keyOf(record: LogRecord): string {
  const text = `${record.serviceName} ${record.spanId} ${record.severityNumber} ${bodyLine(record.body)}`;
  let sum = 5381;
  for (let index = 0; index < text.length; index += 1) sum = (Math.imul(sum, 33) ^ text.charCodeAt(index)) >>> 0;
  return `${record.timestamp}-${sum.toString(36)}`;
}

/** The record that a key names, if it is in the list. */
export function chosenIn(records: readonly LogRecord[], key: string): LogRecord | undefined {
  if (!key) return undefined;
  const time = key.split("-")[0];
  return records.find((record) => record.timestamp === time && keyOf(record) === key);
}
