/** The live tail of logs: server-sent events. */

import type { LogBatch } from "./types";

export type TailState = "connecting" | "open" | "lost";

/** Follows a tail until the returned function is called; the browser connects again by itself. */
export function follow(
  address: string,
  onBatch: (batch: LogBatch) => void,
  onState: (state: TailState) => void,
): () => void {
  const source = new EventSource(address);
  onState("connecting");
  source.addEventListener("open", () => onState("open"));
  source.addEventListener("error", () => onState(source.readyState === EventSource.CLOSED ? "lost" : "connecting"));
  source.addEventListener("logs", (event) => onBatch(JSON.parse((event as MessageEvent<string>).data) as LogBatch));
  return () => source.close();
}
