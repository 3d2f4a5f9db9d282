/** The query bar: an input with coloured text beneath it and completion below it (an ARIA combobox). */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import { ApiError } from "../api/client";
import type { Signal } from "../api/types";
import { useKeys } from "../lib/keys";
import { href, hrefWith, param, push } from "../lib/route";
import { refresh } from "../lib/range";
import { accept, contextAt } from "../query/complete";
import { indexOfByte, isTraceId } from "../query/lexer";
import controls from "./controls.module.css";
import { Highlight } from "./Highlight";
import { Icon } from "./Icon";
import styles from "./QueryInput.module.css";
import { Suggestions, useSuggestions } from "./Suggestions";

interface Props {
  signal: Signal;
  placeholder: string;
  /** The error of the last run, with its position in the query. */
  error?: Error | undefined;
}

export function QueryInput({ signal, placeholder, error }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const text = useSignal(param("q"));
  const caret = useSignal(-1);
  const scroll = useSignal(0);
  const chosen = useSignal(-1);
  const suggestions = useSuggestions(signal, text, caret);

  useSignalEffect(() => {
    text.value = param("q");
  });
  useKeys({ "/": () => input.current?.select() });

  const close = () => {
    caret.value = -1;
    chosen.value = -1;
  };
  const run = () => {
    close();
    const query = text.peek().trim();
    if (isTraceId(query)) push(href(`/trace/${query.toLowerCase()}`));
    else if (query === param("q")) refresh();
    else push(hrefWith({ q: query }));
  };
  const take = (index: number) => {
    const context = contextAt(text.peek(), caret.peek());
    const suggestion = suggestions.value[index];
    if (!context || !suggestion || !input.current) return;
    const next = accept(text.peek(), context, suggestion);
    text.value = next.text;
    input.current.value = next.text;
    input.current.setSelectionRange(next.caret, next.caret);
    caret.value = next.caret;
    chosen.value = -1;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const count = suggestions.peek().length;
    if (event.key === "Enter" && chosen.peek() >= 0) take(chosen.peek());
    else if (event.key === "Enter") run();
    else if (event.key === "Tab" && count > 0 && !event.shiftKey) take(Math.max(0, chosen.peek()));
    else if (event.key === "ArrowDown" && count > 0) chosen.value = (chosen.peek() + 1) % count;
    else if (event.key === "ArrowUp" && count > 0) chosen.value = (chosen.peek() < 0 ? count : chosen.peek()) - 1;
    else if (event.key === "ArrowDown") caret.value = input.current!.selectionStart ?? 0;
    else if (event.key === "Escape" && count > 0) close();
    else if (event.key === "Escape") input.current?.blur();
    else return;
    event.preventDefault();
  };
  const onInput = () => {
    text.value = input.current!.value;
    caret.value = input.current!.selectionStart ?? -1;
    chosen.value = -1;
  };

  const isShown = error instanceof ApiError && error.position !== undefined && text.value.trim() === param("q");
  const mistake = isShown ? indexOfByte(text.value, (error as ApiError).position!) : undefined;
  const isOpen = suggestions.value.length > 0;
  return (
    <div class={styles.bar}>
      <Icon name="search" />
      <div class={styles.frame}>
        <Highlight text={text.value} mistake={mistake} scroll={scroll.value} />
        <input
          ref={input}
          class={styles.input}
          value={text.value}
          placeholder={placeholder}
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          role="combobox"
          aria-label={`Search ${signal}`}
          aria-expanded={isOpen}
          aria-controls="suggestions"
          aria-autocomplete="list"
          aria-activedescendant={isOpen && chosen.value >= 0 ? `suggestion-${chosen.value}` : undefined}
          aria-invalid={mistake !== undefined}
          onInput={onInput}
          onKeyDown={onKeyDown}
          onScroll={() => (scroll.value = input.current!.scrollLeft)}
          onBlur={close}
        />
        {isOpen && <Suggestions items={suggestions.value} chosen={chosen.value} onTake={take} />}
      </div>
      {text.value !== "" && (
        <button class={controls.quiet} aria-label="Clear the query" onClick={() => push(hrefWith({ q: undefined }))}>
          <Icon name="close" />
        </button>
      )}
      <button class={controls.button} onClick={run}>
        Run <span class={controls.key}>⏎</span>
      </button>
    </div>
  );
}
