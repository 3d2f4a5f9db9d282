/** Finding spans, and how the waterfall is drawn. */

import { useRef } from "preact/hooks";
import controls from "../../kit/controls.module.css";
import { Icon } from "../../kit/Icon";
import { count, plural } from "../../lib/format";
import { useKeys } from "../../lib/keys";
import { countMarks, placeOf } from "../../trace/find";
import { setDepth } from "../../trace/rows";
import { isWhole, whole } from "../../trace/window";
import styles from "./Toolbar.module.css";
import { jumpToMark, showCritical, type TraceView } from "./view";

export function Toolbar({ view }: { view: TraceView }) {
  const { frame, shape } = view;
  const { foldRepeats, top } = shape.value;
  const setLimit = (limit: number) => (shape.value = setDepth(view.tree, shape.peek(), frame.depth, limit));
  return (
    <div class={styles.toolbar} role="toolbar" aria-label="Waterfall">
      <Find view={view} />
      <button
        class={`${controls.quiet} ${showCritical.value ? controls.on : ""}`}
        aria-pressed={showCritical.value}
        title="Critical path (p)"
        onClick={() => (showCritical.value = !showCritical.peek())}
      >
        Critical path
      </button>
      <button
        class={`${controls.quiet} ${foldRepeats ? controls.on : ""}`}
        aria-pressed={foldRepeats}
        title="Draw repeated spans as one (u)"
        onClick={() => (shape.value = { ...shape.peek(), foldRepeats: !foldRepeats })}
      >
        Fold repeats
      </button>
      <button class={controls.quiet} onClick={() => setLimit(1)}>
        Collapse
      </button>
      <button class={controls.quiet} onClick={() => setLimit(Infinity)}>
        Expand
      </button>
      {top >= 0 && (
        <button class={controls.button} onClick={() => (shape.value = { ...shape.peek(), top: -1 })}>
          <Icon name="close" /> One subtree
        </button>
      )}
      {!isWhole(view.window.value, frame.durationNano) && (
        <button
          class={controls.button}
          title="Whole duration (0)"
          onClick={() => (view.window.value = whole(frame.durationNano))}
        >
          <Icon name="close" /> Zoom
        </button>
      )}
    </div>
  );
}

function Find({ view }: { view: TraceView }) {
  const input = useRef<HTMLInputElement>(null);
  const marks = view.matches.value;
  const total = marks ? countMarks(marks) : 0;
  useKeys({ "/": () => input.current?.select() });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    jumpToMark(view, view.matches.peek(), event.shiftKey ? -1 : 1);
  };
  return (
    <div class={styles.find}>
      <input
        ref={input}
        class={controls.field}
        type="text"
        placeholder="Find: name, status:error, duration>10ms"
        aria-label="Find spans in this trace"
        spellcheck={false}
        value={view.find.value}
        onInput={(event) => (view.find.value = event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      {marks && (
        <>
          <span class={styles.found} role="status">
            {total === 0 ? "none" : `${count(placeOf(marks, view.selected.value))} of ${plural(total, "span")}`}
          </span>
          <button
            class={controls.quiet}
            aria-label="Previous match"
            title="Previous match (N)"
            onClick={() => jumpToMark(view, marks, -1)}
          >
            <Icon name="up" />
          </button>
          <button
            class={controls.quiet}
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => jumpToMark(view, marks, 1)}
          >
            <Icon name="down" />
          </button>
          <button
            class={`${controls.quiet} ${view.onlyMatches.value ? controls.on : ""}`}
            aria-pressed={view.onlyMatches.value}
            onClick={() => (view.onlyMatches.value = !view.onlyMatches.peek())}
          >
            Only matches
          </button>
        </>
      )}
    </div>
  );
}
