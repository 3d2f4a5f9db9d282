/** A row of tabs; the arrow keys move between them. */

import type { ComponentChildren } from "preact";
import styles from "./Tabs.module.css";

export interface Tab {
  id: string;
  label: string;
  count?: number | undefined;
}

interface Props {
  tabs: readonly Tab[];
  selected: string;
  onSelect: (id: string) => void;
  label: string;
  /** Of the panel below: `{name}-panel`. */
  name: string;
}

export function Tabs({ tabs, selected, onSelect, label, name }: Props) {
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const at = tabs.findIndex(({ id }) => id === selected);
    const next = tabs[(at + step + tabs.length) % tabs.length]!.id;
    onSelect(next);
    document.getElementById(`${name}-${next}`)?.focus();
  };
  return (
    <div class={styles.tabs} role="tablist" aria-label={label} onKeyDown={onKeyDown}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          id={`${name}-${tab.id}`}
          class={styles.tab}
          role="tab"
          aria-selected={tab.id === selected}
          aria-controls={`${name}-panel`}
          tabIndex={tab.id === selected ? 0 : -1}
          onClick={() => onSelect(tab.id)}
        >
          {tab.label}
          {tab.count !== undefined && tab.count > 0 && <span class={styles.count}>{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}

/** What the selected tab shows. */
export function TabPanel({
  name,
  selected,
  children,
}: {
  name: string;
  selected: string;
  children: ComponentChildren;
}) {
  return (
    <div id={`${name}-panel`} class={styles.panel} role="tabpanel" aria-labelledby={`${name}-${selected}`} tabIndex={0}>
      {children}
    </div>
  );
}
