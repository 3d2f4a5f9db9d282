/** The selected log record. */

import type { LogRecord } from "../../api/types";
import { AttributeTable, LongText } from "../../kit/Attributes";
import { bodyText } from "../../kit/body";
import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { Service } from "../../kit/Service";
import { severityName, severityOf } from "../../kit/severity";
import { dateTimeNano, zoneName } from "../../lib/clock";
import { copy } from "../../lib/copy";
import { useKeys } from "../../lib/keys";
import { traceOf } from "./LogList";
import styles from "./LogPanel.module.css";

export function LogPanel({ record, onClose }: { record: LogRecord; onClose: () => void }) {
  useKeys({ Escape: onClose });
  const trace = traceOf(record);
  const { scope } = record;
  const scopeFacts = {
    ...(scope.name ? { name: scope.name } : {}),
    ...(scope.version ? { version: scope.version } : {}),
  };
  const identity = {
    ...(record.traceId ? { trace_id: record.traceId } : {}),
    ...(record.spanId ? { span_id: record.spanId } : {}),
    ...(record.eventName ? { event_name: record.eventName } : {}),
  };
  return (
    <>
      <header class={styles.head} data-severity={severityOf(record.severityNumber)}>
        <button
          class={`${controls.quiet} ${styles.close}`}
          aria-label="Close the record"
          title="Close (Esc)"
          onClick={onClose}
        >
          <Icon name="close" />
        </button>
        <p class={styles.origin}>
          <span class={styles.severity}>{severityName(record)}</span> <Service name={record.serviceName} />
        </p>
        <p class={styles.time}>
          {dateTimeNano(record.timestamp)} {zoneName()}
        </p>
        <div class={styles.actions}>
          {trace && (
            <a class={controls.button} href={trace}>
              Open trace
            </a>
          )}
          <button
            class={controls.button}
            onClick={() => void copy(JSON.stringify(record, null, 2), "Record copied as JSON")}
          >
            Copy JSON
          </button>
        </div>
      </header>
      <div class={styles.content} tabIndex={0} role="region" aria-label="Content of the record">
        <div class={styles.body}>
          <LongText key={record.timestamp} text={bodyText(record.body) || "(no body)"} />
        </div>
        <AttributeTable
          title="Log"
          attributes={record.attributes}
          place="log."
          dropped={record.droppedAttributesCount}
        />
        <AttributeTable title="Resource" attributes={record.resource} place="resource." />
        <AttributeTable title="Scope" attributes={{ ...scopeFacts, ...scope.attributes }} place="scope." />
        <AttributeTable title="Identity" attributes={identity} place="" />
      </div>
    </>
  );
}
