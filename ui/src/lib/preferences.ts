/** What the reader chose and a link never changes: theme, time zone. Kept in this browser. */

import { effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Zone = "local" | "utc";

function stored<T extends string>(name: string, allowed: readonly T[], otherwise: T) {
  const key = `tracewell.${name}`;
  let value = otherwise;
  try {
    const found = localStorage.getItem(key) as T | null;
    if (found && allowed.includes(found)) value = found;
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  const choice = signal<T>(value);
  effect(() => {
    try {
      localStorage.setItem(key, choice.value);
    } catch {
      // As above.
    }
  });
  return choice;
}

export const theme = stored<Theme>("theme", ["system", "light", "dark"], "system");
export const zone = stored<Zone>("zone", ["local", "utc"], "local");

/** Whether the page is dark now. */
export const isDark = signal(false);

/** Puts the theme on the document and follows the system's preference. */
export function applyTheme(): void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const system = signal(dark.matches);
  dark.addEventListener("change", (event) => (system.value = event.matches));
  effect(() => {
    isDark.value = theme.value === "dark" || (theme.value === "system" && system.value);
    document.documentElement.dataset["theme"] = isDark.value ? "dark" : "light";
  });
}

/** Light becomes dark and the other way round. */
export function toggleTheme(): void {
  theme.value = isDark.value ? "light" : "dark";
}
