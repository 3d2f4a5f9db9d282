/** The traces that the last search listed, so that a trace can lead to the next one. */

import { signal } from "@preact/signals";

export interface Results {
  traceIds: readonly string[];
  /** Where they were listed. */
  from: string;
  /** Whether the search found more than were listed. */
  hasMore: boolean;
}

export const results = signal<Results | undefined>(undefined);
