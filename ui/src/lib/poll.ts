/** Asks again and again, in the background: no more often than what the answers cost allows. */

/** An answer that takes long is asked for so much more rarely: at most a tenth of the time is spent on it. */
const REST_FACTOR = 9;

/** How long to wait after an answer that took `tookMs`. */
export function restMs(everyMs: number, tookMs: number): number {
  return Math.max(everyMs, tookMs * REST_FACTOR);
}

/**
 * Calls `ask` every `everyMs` until the returned function is called; not while the page is hidden, and the next time only
 * after the answer is there. A failure is passed over: the next answer is soon to come.
 */
export function poll(everyMs: number, ask: (abort: AbortSignal) => Promise<void>): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout>;
  const again = (tookMs: number) => {
    if (!abort.signal.aborted) timer = setTimeout(() => void turn(), restMs(everyMs, tookMs));
  };
  const turn = async () => {
    if (document.hidden) return again(0);
    const began = performance.now();
    await ask(abort.signal).catch(() => undefined);
    again(performance.now() - began);
  };
  again(0);
  return () => {
    clearTimeout(timer);
    abort.abort();
  };
}
