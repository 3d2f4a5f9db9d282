/** The table of keys. */

import controls from "../kit/controls.module.css";
import { Dialog } from "../kit/Dialog";
import { overlay } from "./overlay";
import styles from "./Shortcuts.module.css";

const GROUPS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Everywhere",
    [
      ["/", "query"],
      ["⌘ K", "go to a page, service or trace"],
      ["t", "time range"],
      ["g s · g t · g l", "services, traces, logs"],
      ["R", "refresh"],
      ["Esc", "close, or stop what is loading"],
      ["?", "this table"],
    ],
  ],
  [
    "Lists",
    [
      ["j k ↓ ↑", "next, previous row"],
      ["⏎", "open"],
      ["x", "exclude the row's service"],
      ["w", "wrap lines"],
      ["f", "follow new lines (logs)"],
    ],
  ],
  [
    "Trace",
    [
      ["h l ← →", "close, open"],
      ["⇧← ⇧→", "close, open the whole subtree"],
      ["e ⇧E", "next, previous error"],
      ["n ⇧N", "next, previous match"],
      ["[ ]", "previous, next trace of the results"],
      ["f", "fit the selected span"],
      ["0", "whole duration"],
      ["r", "show the selected span alone, or all again"],
      ["p · u", "critical path, repeats"],
      ["1 – 4", "tabs of the span"],
      [".", "menu of a value"],
    ],
  ],
];

export function Shortcuts() {
  return (
    <Dialog label="Keyboard shortcuts" onClose={() => (overlay.value = "none")}>
      <div class={styles.groups}>
        {GROUPS.map(([name, keys]) => (
          <section key={name}>
            <h2>{name}</h2>
            <dl class={styles.keys}>
              {keys.map(([key, meaning]) => (
                <div key={key} class={styles.row}>
                  <dt>
                    <kbd class={controls.key}>{key}</kbd>
                  </dt>
                  <dd>{meaning}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
