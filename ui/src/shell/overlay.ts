/** Which overlay is open. */

import { signal } from "@preact/signals";

export type Overlay = "none" | "palette" | "shortcuts" | "time";

export const overlay = signal<Overlay>("none");

/** Opens an overlay, or closes it when it is open. */
export function toggleOverlay(name: Overlay): void {
  overlay.value = overlay.peek() === name ? "none" : name;
}
