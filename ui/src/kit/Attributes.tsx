/** Attributes as a table; every value opens the menu of what can be done with it. */

import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import type { Attributes, AttributeValue } from "../api/types";
import styles from "./Attributes.module.css";
import { showValueMenu } from "./values";

interface Props {
  title: string;
  attributes: Attributes;
  /** Put before the key to name the field in a query: `span.`, `resource.` … */
  place: string;
  dropped?: number;
}

const LINES_MAX = 8;
const LETTERS_MAX = 480;

export function AttributeTable({ title, attributes, place, dropped = 0 }: Props) {
  const keys = Object.keys(attributes).sort();
  if (keys.length === 0 && dropped === 0) return null;
  return (
    <section class={styles.section}>
      <h3 class={styles.title}>{title}</h3>
      <dl class={styles.table}>
        {keys.map((key) => (
          <div key={key} class={styles.row}>
            <dt class={styles.key}>{breakable(key)}</dt>
            <dd class={styles.value}>
              <Value field={`${place}${key}`} value={attributes[key] ?? null} />
            </dd>
          </div>
        ))}
      </dl>
      {dropped > 0 && <p class={styles.dropped}>{dropped} more were dropped before they arrived.</p>}
    </section>
  );
}

/** A key that may break after its dots and underscores, and nowhere else if that suffices. */
function breakable(key: string) {
  return key.split(/(?<=[._])/).map((part, index) => (
    <Fragment key={index}>
      {part}
      <wbr />
    </Fragment>
  ));
}

function Value({ field, value }: { field: string; value: AttributeValue }) {
  if (value === null) return <span class={styles.empty}>empty</span>;
  if (typeof value === "object") return <LongText text={JSON.stringify(value, null, 2)} />;
  const text = String(value);
  if (isLong(text)) return <LongText text={text} />;
  return (
    <button
      class={styles.scalar}
      data-type={typeof value}
      aria-haspopup="menu"
      onClick={(event) => showValueMenu(event.currentTarget, { field, value: text })}
    >
      {text === "" ? <span class={styles.empty}>empty text</span> : text}
    </button>
  );
}

function isLong(text: string): boolean {
  return text.length > LETTERS_MAX || text.includes("\n");
}

/** A text that is cut at eight lines until the reader wants all of it. */
export function LongText({ text }: { text: string }) {
  const isOpen = useSignal(false);
  const lines = text.split("\n");
  const isCut = lines.length > LINES_MAX || text.length > LETTERS_MAX * 2;
  const shown =
    isOpen.value || !isCut
      ? text
      : lines
          .slice(0, LINES_MAX)
          .join("\n")
          .slice(0, LETTERS_MAX * 2);
  return (
    <>
      <pre class={styles.long}>{shown}</pre>
      {isCut && (
        <button class={styles.toggle} aria-expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
          {isOpen.value
            ? "Show less"
            : `Show all ${lines.length > 1 ? `${lines.length} lines` : `${text.length} letters`}`}
        </button>
      )}
    </>
  );
}
