/** The title of the window. */

import { useEffect } from "preact/hooks";

/** Names the page in the title, for tabs, bookmarks and screen readers. */
export function usePageTitle(name: string): void {
  useEffect(() => {
    document.title = `${name} · Tracewell`;
  }, [name]);
}
