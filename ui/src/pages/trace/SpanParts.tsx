/** Events and links of a span. */

import type { SpanDetail, SpanEvent } from "../../api/types";
import { AttributeTable, LongText } from "../../kit/Attributes";
import { duration, shortId } from "../../lib/format";
import { href } from "../../lib/route";
import styles from "./Panel.module.css";

export function Events({ span }: { span: SpanDetail }) {
  if (span.events.length === 0) return <p class={styles.none}>This span has no events.</p>;
  const start = BigInt(span.startTimeUnixNano);
  return (
    <ol>
      {span.events.map((event, index) => (
        <li key={index} class={styles.part}>
          <p class={styles.partHead}>
            <strong class={event.name === "exception" ? styles.bad : undefined}>{event.name}</strong>
            <span class={styles.muted}>at +{duration(Number(BigInt(event.timeUnixNano) - start))}</span>
          </p>
          {event.name === "exception" ? <Exception event={event} /> : <Rest event={event} />}
        </li>
      ))}
      {span.droppedEventsCount > 0 && (
        <p class={styles.none}>{span.droppedEventsCount} more events were dropped before they arrived.</p>
      )}
    </ol>
  );
}

const EXCEPTION_KEYS = ["exception.type", "exception.message", "exception.stacktrace"] as const;

/** Type and message as a sentence, the stack below. */
function Exception({ event }: { event: SpanEvent }) {
  const [type, message, stack] = EXCEPTION_KEYS.map((key) => event.attributes[key]);
  const rest = Object.fromEntries(
    Object.entries(event.attributes).filter(([key]) => !(EXCEPTION_KEYS as readonly string[]).includes(key)),
  );
  return (
    <>
      <p class={styles.exception}>
        {typeof type === "string" && <span class={styles.type}>{type}</span>}
        {typeof message === "string" && <span>{message}</span>}
      </p>
      {typeof stack === "string" && (
        <div class={styles.stack}>
          <LongText text={stack} />
        </div>
      )}
      <Rest event={{ ...event, attributes: rest }} />
    </>
  );
}

function Rest({ event }: { event: SpanEvent }) {
  return (
    <AttributeTable title="" attributes={event.attributes} place="event." dropped={event.droppedAttributesCount} />
  );
}

export function Links({ span }: { span: SpanDetail }) {
  if (span.links.length === 0) return <p class={styles.none}>This span has no links.</p>;
  return (
    <ol>
      {span.links.map((link, index) => (
        <li key={index} class={styles.part}>
          <p class={styles.partHead}>
            <a class={styles.link} href={href(`/trace/${link.traceId}`, { span: link.spanId })}>
              trace {shortId(link.traceId)}, span {shortId(link.spanId)}
            </a>
          </p>
          <AttributeTable title="" attributes={link.attributes} place="link." dropped={link.droppedAttributesCount} />
        </li>
      ))}
      {span.droppedLinksCount > 0 && (
        <p class={styles.none}>{span.droppedLinksCount} more links were dropped before they arrived.</p>
      )}
    </ol>
  );
}
