/** Keys that work on every page. */

import { closeMenu, openMenu } from "../kit/menu";
import { useKeys } from "../lib/keys";
import { refresh, rangeParameters } from "../lib/range";
import { cancelAll } from "../lib/resource";
import { href, push } from "../lib/route";
import { tell } from "../lib/copy";
import { overlay, toggleOverlay } from "./overlay";

const go = (path: string) => () => push(href(path, rangeParameters()));

function escape(): void {
  if (openMenu.peek()) closeMenu();
  else if (overlay.peek() !== "none") overlay.value = "none";
  else if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
  else if (cancelAll()) tell("Stopped");
}

export function GlobalKeys() {
  useKeys({
    "g s": go("/services"),
    "g t": go("/traces"),
    "g l": go("/logs"),
    "g u": go("/setup"),
    "g i": go("/status"),
    "t": () => toggleOverlay("time"),
    "?": () => toggleOverlay("shortcuts"),
    "R": () => refresh(),
    "mod+k": () => toggleOverlay("palette"),
    "Escape": escape,
  });
  return null;
}
