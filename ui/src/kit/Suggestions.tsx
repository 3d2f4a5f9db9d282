/** What the query bar offers: fields and values from the server's catalogue. */

import { type ReadonlySignal, type Signal as State, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { during, getJson, url } from "../api/client";
import type { Field, FieldList, FieldValues, Signal } from "../api/types";
import { compact } from "../lib/format";
import { resolved } from "../lib/range";
import { useResource } from "../lib/resource";
import { contextAt, type Suggestion, suggestFields, suggestValues } from "../query/complete";
import styles from "./QueryInput.module.css";

const SHOWN_MAX = 10;
const WAIT_MS = 60;

/** Suggestions for the text at the caret; none while the caret is -1. */
export function useSuggestions(
  signal: Signal,
  text: ReadonlySignal<string>,
  caret: ReadonlySignal<number>,
): ReadonlySignal<readonly Suggestion[]> {
  const context = useComputed(() => (caret.value < 0 ? undefined : contextAt(text.value, caret.value)));
  const fields = useResource<FieldList>(
    () => (caret.value < 0 ? undefined : url("/fields", { signal, ...during(resolved.value) })),
    (abort) => getJson(url("/fields", { signal, ...during(resolved.peek()) }), abort),
  );
  const question = useSettled(() => {
    const at = context.value;
    if (at?.kind !== "value") return undefined;
    return url("/fields/values", {
      signal,
      field: at.field,
      prefix: at.prefix,
      limit: SHOWN_MAX,
      ...during(resolved.value),
    });
  });
  const values = useResource<FieldValues>(
    () => question.value,
    (abort) => getJson(question.peek()!, abort),
  );
  return useComputed(() => {
    const at = context.value;
    if (!at) return [];
    if (at.kind === "field") return suggestFields(known(fields.value.data), at.prefix, SHOWN_MAX);
    const found = values.value.data?.values ?? [];
    const fitting = found.filter(({ value }) => value.toLowerCase().includes(at.prefix.toLowerCase()));
    return suggestValues(fitting.map(({ value, count }) => ({ value, note: count > 0 ? compact(count) : "" })));
  });
}

function known(list: FieldList | undefined): readonly Field[] {
  return list?.fields ?? [];
}

/** A value once it has not changed for a moment. */
function useSettled<T>(read: () => T): State<T> {
  const settled = useSignal(read());
  useSignalEffect(() => {
    const value = read();
    const timer = setTimeout(() => (settled.value = value), WAIT_MS);
    return () => clearTimeout(timer);
  });
  return settled;
}

interface Props {
  items: readonly Suggestion[];
  chosen: number;
  onTake: (index: number) => void;
}

/** The list below the input. */
export function Suggestions({ items, chosen, onTake }: Props) {
  return (
    <ul id="suggestions" class={styles.suggestions} role="listbox" aria-label="Suggestions">
      {items.map((item, index) => (
        <li
          key={item.label}
          id={`suggestion-${index}`}
          class={styles.suggestion}
          role="option"
          aria-selected={index === chosen}
          onMouseDown={(event) => {
            event.preventDefault();
            onTake(index);
          }}
        >
          <span class={styles.label}>{item.label}</span>
          <span class={styles.note}>{item.note}</span>
        </li>
      ))}
    </ul>
  );
}
