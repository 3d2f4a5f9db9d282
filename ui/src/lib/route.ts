/** The URL is the store of what is on screen. One vocabulary: `push` makes a step for Back, `replace` does not. */

import { computed, signal } from "@preact/signals";

export interface Location {
  path: string;
  query: URLSearchParams;
}

const read = (): Location => ({ path: window.location.pathname, query: new URLSearchParams(window.location.search) });

/** Where the reader is. */
export const location = signal<Location>(read());

/** Where the reader is, without what comes after `?`. */
export const path = computed(() => location.value.path);

/** One parameter of the URL, "" when it is absent. */
export function param(name: string): string {
  return location.value.query.get(name) ?? "";
}

/** Whether the URL has a parameter, be it empty. */
export function hasParam(name: string): boolean {
  return location.value.query.has(name);
}

type Changes = Readonly<Record<string, string | undefined>>;

/** Parameters to which the empty text means something: there are services without a name. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(["service"]);

/** A link: `path` with these parameters; empty ones are left out where they mean nothing. */
export function href(to: string, parameters: Changes = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value || (value === "" && MAY_BE_EMPTY.has(name))) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${to}?${text}` : to;
}

/** A link to the present page with some parameters changed. */
export function hrefWith(changes: Changes): string {
  const all = Object.fromEntries(location.value.query);
  return href(location.value.path, { ...all, ...changes });
}

/** Goes somewhere; Back returns. */
export function push(to: string): void {
  if (to === window.location.pathname + window.location.search) return;
  history.pushState(null, "", to);
  location.value = read();
}

/** Changes the address of what is on screen; Back does not stop here. */
export function replace(to: string): void {
  history.replaceState(history.state, "", to);
  location.value = read();
}

/** Remembers something about this step of the history, such as the scroll position. */
export function remember(name: string, value: unknown): void {
  history.replaceState({ ...(history.state as object | null), [name]: value }, "");
}

/** What was remembered about this step. */
export function recall(name: string): unknown {
  return (history.state as Record<string, unknown> | null)?.[name];
}

/** Makes Back and plain clicks on links of this site stay inside the page. */
export function startRouting(): void {
  window.addEventListener("popstate", () => (location.value = read()));
  document.addEventListener("click", (event) => {
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    const anchor = (event.target as Element).closest("a");
    if (!isPlain || event.defaultPrevented || !anchor || anchor.target || anchor.hasAttribute("download")) return;
    if (anchor.origin !== window.location.origin || anchor.pathname.startsWith("/api/")) return;
    event.preventDefault();
    push(anchor.pathname + anchor.search);
  });
}
