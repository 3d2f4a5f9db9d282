/** The keyboard: one place where keys get their meaning, so that the same key does the same everywhere. */

import { useLayoutEffect } from "preact/hooks";

type Handler = (event: KeyboardEvent) => void;

/** Handlers by chord: `j`, `E` (with shift), `g s` (one after the other), `mod+k` (control or command). */
export type KeyMap = Readonly<Record<string, Handler>>;

const layers: KeyMap[] = [];
const SEQUENCE_MS_MAX = 1_200;
let prefix = "";
let prefixAt = 0;

/** While the component is there, these keys work; the newest component wins. */
export function useKeys(map: KeyMap): void {
  // Before the component is painted: whoever sees it may press a key at once.
  useLayoutEffect(() => {
    const layer: KeyMap = map;
    layers.push(layer);
    return () => void layers.splice(layers.indexOf(layer), 1);
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function chordOf(event: KeyboardEvent): string {
  if (event.metaKey || event.ctrlKey) return `mod+${event.key.toLowerCase()}`;
  if (event.shiftKey && event.key.startsWith("Arrow")) return `shift+${event.key}`;
  return event.key;
}

function handle(event: KeyboardEvent): void {
  const chord = chordOf(event);
  // Overlays have keys of their own.
  if ((event.target as Element).closest("dialog, [role=dialog], [role=menu]")) return;
  // In a text field only chords with a modifier and Escape are commands.
  if (event.defaultPrevented || event.altKey || (isTyping(event.target) && !/^(?:mod\+|Escape)/.test(chord))) return;
  const sequence = prefix && event.timeStamp - prefixAt < SEQUENCE_MS_MAX ? `${prefix} ${chord}` : "";
  prefix = "";
  const wanted = sequence || chord;
  for (const layer of layers.toReversed()) {
    const handler = layer[wanted];
    if (!handler) continue;
    event.preventDefault();
    handler(event);
    return;
  }
  if (layers.some((layer) => Object.keys(layer).some((key) => key.startsWith(`${chord} `)))) {
    prefix = chord;
    prefixAt = event.timeStamp;
  }
}

/** Begins to listen. */
export function startKeys(): void {
  document.addEventListener("keydown", handle);
}
