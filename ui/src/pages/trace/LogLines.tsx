/** Logs beside a trace, oldest first; a line opens to all of its text. */

import { useSignal } from "@preact/signals";
import type { LogRecord } from "../../api/types";
import { bodyLine, bodyText } from "../../kit/body";
import { Service } from "../../kit/Service";
import { severityName, severityOf } from "../../kit/severity";
import { clockMs } from "../../lib/clock";
import { href } from "../../lib/route";
import { nanoToMs } from "../../lib/time";
import styles from "./LogLines.module.css";

interface Props {
  logs: readonly LogRecord[];
  traceId: string;
  /** Only the logs of this span, if given. */
  spanId?: string;
  none: string;
  /** Names the service and leads to the span of each line. */
  onSpan?: (spanId: string) => void;
}

const SHOWN_MAX = 500;

export function LogLines({ logs, traceId, spanId, none, onSpan }: Props) {
  const query = spanId ? `trace_id:${traceId} span_id:${spanId}` : `trace_id:${traceId}`;
  const first = logs[0];
  const last = logs.at(-1);
  if (!first || !last) return <p class={styles.none}>{none}</p>;
  // The page of logs needs a range that has all of them.
  const start = new Date(nanoToMs(first.timestamp) - 60_000).toISOString();
  const end = new Date(nanoToMs(last.timestamp) + 60_000).toISOString();
  return (
    <>
      <ol class={styles.lines}>
        {logs.slice(0, SHOWN_MAX).map((log, index) => (
          <Line key={index} log={log} onSpan={onSpan} />
        ))}
      </ol>
      <p class={styles.more}>
        <a href={href("/logs", { q: query, start, end })}>Open in Logs</a>
        {logs.length > SHOWN_MAX && ` to see all ${logs.length}`}
      </p>
    </>
  );
}

function Line({ log, onSpan }: { log: LogRecord; onSpan: ((spanId: string) => void) | undefined }) {
  const isOpen = useSignal(false);
  return (
    <li class={styles.line} data-severity={severityOf(log.severityNumber)}>
      <button class={styles.head} aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
        <span class={styles.time}>{clockMs(nanoToMs(log.timestamp))}</span>
        <span class={styles.severity}>{severityName(log)}</span>
        {!isOpen.value && <span class={styles.body}>{bodyLine(log.body)}</span>}
      </button>
      {isOpen.value && <pre class={styles.text}>{bodyText(log.body)}</pre>}
      {onSpan && (
        <button class={styles.span} disabled={!log.spanId} onClick={() => onSpan(log.spanId)}>
          <Service name={log.serviceName} />
        </button>
      )}
    </li>
  );
}
