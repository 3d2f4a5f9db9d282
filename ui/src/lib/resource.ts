/** Data that depends on something: loads it, keeps the old while the new is under way, cancels what nobody waits for. */

import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";

export interface Resource<T> {
  /** The newest answer; while `loading`, perhaps that to the question before. */
  data: T | undefined;
  error: Error | undefined;
  loading: boolean;
}

const CACHE_MAX = 60;
const cache = new Map<string, unknown>();

/** Number of requests under way, for the progress line. */
export const underWay = signal(0);

const cancels = new Set<() => void>();

/** Stops every request under way; tells whether there was any. */
export function cancelAll(): boolean {
  const any = cancels.size > 0;
  for (const cancel of [...cancels]) cancel();
  return any;
}

type Loader<T> = (signal: AbortSignal) => Promise<T>;

/**
 * Loads whatever `key` names, again whenever it changes; an undefined key loads nothing. Answers to the same key are kept,
 * so that Back is immediate.
 */
export function useResource<T>(key: () => string | undefined, load: Loader<T>): ReadonlySignal<Resource<T>> {
  const state = useMemo(() => signal<Resource<T>>(initial(key())), []);
  useEffect(() => {
    let cancel = () => {};
    const stop = effect(() => {
      const wanted = key();
      // Untracked, or the answer would be a reason to ask again.
      untracked(() => {
        cancel();
        cancel = wanted === undefined ? nothing(state) : start(wanted, load, state);
      });
    });
    return () => {
      stop();
      cancel();
    };
  }, []);
  return state;
}

function initial<T>(key: string | undefined): Resource<T> {
  const known = key === undefined ? undefined : (cache.get(key) as T | undefined);
  return { data: known, error: undefined, loading: key !== undefined && known === undefined };
}

function nothing<T>(state: { value: Resource<T> }): () => void {
  state.value = { data: undefined, error: undefined, loading: false };
  return () => {};
}

function start<T>(key: string, load: Loader<T>, state: { value: Resource<T> }): () => void {
  if (cache.has(key)) {
    state.value = { data: cache.get(key) as T, error: undefined, loading: false };
    return () => {};
  }
  const abort = new AbortController();
  let isOver = false;
  const finish = (result: Partial<Resource<T>>) => {
    if (isOver) return;
    isOver = true;
    underWay.value -= 1;
    cancels.delete(cancel);
    state.value = { data: state.value.data, error: undefined, ...result, loading: false };
  };
  const cancel = () => {
    abort.abort();
    finish({});
  };
  underWay.value += 1;
  cancels.add(cancel);
  state.value = { data: state.value.data, error: undefined, loading: true };
  load(abort.signal).then(
    (data) => {
      keep(key, data);
      finish({ data });
    },
    (error: unknown) => finish({ data: undefined, error: error instanceof Error ? error : new Error(String(error)) }),
  );
  return cancel;
}

/** Keeps an answer for when the same is asked again. */
export function keep(key: string, data: unknown): void {
  cache.delete(key);
  cache.set(key, data);
  if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value!);
}

/** Forgets an answer, so that it is asked for anew. */
export function forget(key: string): void {
  cache.delete(key);
}
