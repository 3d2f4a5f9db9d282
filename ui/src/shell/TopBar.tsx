/** The bar on top: pages, palette, time, theme. */

import controls from "../kit/controls.module.css";
import { Icon } from "../kit/Icon";
import { isDark, toggleTheme } from "../lib/preferences";
import { rangeParameters, refresh } from "../lib/range";
import { href, path } from "../lib/route";
import { toggleOverlay } from "./overlay";
import { TimePicker } from "./TimePicker";
import styles from "./TopBar.module.css";

const PAGES = [
  ["/services", "Services"],
  ["/traces", "Traces"],
  ["/logs", "Logs"],
  ["/setup", "Setup"],
  ["/status", "Status"],
] as const;

function isCurrent(page: string): boolean {
  const at = path.value === "/" ? "/services" : path.value.startsWith("/trace/") ? "/traces" : path.value;
  return at === page;
}

export function TopBar() {
  const range = rangeParameters();
  return (
    <header class={styles.bar}>
      <a class={styles.brand} href={href("/", range)} aria-label="Tracewell, start page">
        <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
          <rect x="1" y="2" width="11" height="3" rx="1.5" fill="currentColor" />
          <rect x="4" y="6.5" width="7" height="3" rx="1.5" fill="currentColor" opacity="0.65" />
          <rect x="6" y="11" width="9" height="3" rx="1.5" fill="currentColor" />
        </svg>
        <span class={styles.name}>Tracewell</span>
      </a>
      <nav class={styles.pages} aria-label="Pages">
        {PAGES.map(([page, label]) => (
          <a
            key={page}
            class={styles.page}
            href={href(page, range)}
            aria-current={isCurrent(page) ? "page" : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      <button class={`${controls.quiet} ${styles.wide}`} onClick={() => toggleOverlay("palette")}>
        Go to <span class={controls.key}>⌘K</span>
      </button>
      <TimePicker />
      <button class={controls.quiet} aria-label="Refresh" title="Refresh (R)" onClick={refresh}>
        <Icon name="refresh" />
      </button>
      <button class={controls.quiet} aria-label={isDark.value ? "Light theme" : "Dark theme"} onClick={toggleTheme}>
        <Icon name={isDark.value ? "sun" : "moon"} />
      </button>
      <button
        class={`${controls.quiet} ${styles.wide}`}
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={() => toggleOverlay("shortcuts")}
      >
        ?
      </button>
    </header>
  );
}
