/** Go anywhere by typing: pages, services, a pasted trace id, a search. */

import { useComputed, useSignal } from "@preact/signals";
import { during, getJson, url } from "../api/client";
import type { ServiceList } from "../api/types";
import { Dialog } from "../kit/Dialog";
import { serviceLabel } from "../kit/Service";
import { rangeParameters, resolved } from "../lib/range";
import { useResource } from "../lib/resource";
import { href, push } from "../lib/route";
import { termText } from "../query/edit";
import { isTraceId } from "../query/lexer";
import { overlay } from "./overlay";
import styles from "./Palette.module.css";

interface Entry {
  label: string;
  note: string;
  to: string;
}

const SHOWN_MAX = 12;

export function Palette() {
  const text = useSignal("");
  const chosen = useSignal(0);
  const services = useResource<ServiceList>(
    () => url("/services", during(resolved.value)),
    (abort) => getJson(url("/services", during(resolved.peek())), abort),
  );
  const entries = useComputed(() =>
    entriesFor(
      text.value.trim(),
      (services.value.data?.services ?? []).filter(({ isOther }) => !isOther).map(({ name }) => name),
    ),
  );
  const close = () => (overlay.value = "none");
  const go = (entry: Entry | undefined) => {
    close();
    if (entry) push(entry.to);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const count = entries.peek().length;
    if (step !== undefined) chosen.value = (chosen.peek() + step + count) % count;
    else if (event.key === "Enter") go(entries.peek()[chosen.peek()]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Go to" onClose={close}>
      <input
        class={styles.input}
        placeholder="Page, service, trace id or search"
        role="combobox"
        aria-label="Go to"
        aria-expanded="true"
        aria-controls="palette"
        aria-activedescendant={`palette-${chosen.value}`}
        autocomplete="off"
        spellcheck={false}
        onKeyDown={onKeyDown}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          chosen.value = 0;
        }}
      />
      <ul id="palette" class={styles.list} role="listbox" aria-label="Places">
        {entries.value.map((entry, index) => (
          <li
            key={entry.to}
            id={`palette-${index}`}
            class={styles.entry}
            role="option"
            aria-selected={index === chosen.value}
            onClick={() => go(entry)}
          >
            {entry.label}
            <span class={styles.note}>{entry.note}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

function entriesFor(text: string, services: readonly string[]): Entry[] {
  const range = rangeParameters();
  const query = (service: string) => termText({ field: "service", operator: ":", value: service, negated: false });
  const pages = ["Services", "Traces", "Logs", "Setup", "Status"].map((label) => ({
    label,
    note: "page",
    to: href(`/${label.toLowerCase()}`, range),
  }));
  const named = services.flatMap((name) => [
    { label: serviceLabel(name), note: "traces of the service", to: href("/traces", { ...range, q: query(name) }) },
    { label: serviceLabel(name), note: "logs of the service", to: href("/logs", { ...range, q: query(name) }) },
  ]);
  const fitting = [...pages, ...named].filter(({ label }) => label.toLowerCase().includes(text.toLowerCase()));
  const searches = ["traces", "logs"].map((signal) => ({
    label: text,
    note: `search ${signal}`,
    to: href(`/${signal}`, { ...range, q: text }),
  }));
  if (isTraceId(text))
    return [{ label: text, note: "open the trace", to: href(`/trace/${text.toLowerCase()}`) }, ...searches];
  return [...fitting.slice(0, SHOWN_MAX), ...(text === "" ? [] : searches)];
}
