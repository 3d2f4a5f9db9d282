/** Data that depends on something: loads it, keeps the old while the new is under way, cancels what nobody waits for. */

import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { refreshes } from "./range";

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

/** Counts a request as under way; the returned function says that it is over, by whatever end. */
export function beginRequest(cancel: () => void): () => void {
  underWay.value += 1;
  cancels.add(cancel);
  return () => {
    if (cancels.delete(cancel)) underWay.value -= 1;
  };
}

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
  const state = useMemo(() => signal<Resource<T>>(initial(generation(key()))), []);
  useEffect(() => {
    let cancel = () => {};
    let asked: string | undefined | null = null;
    const stop = effect(() => {
      const wanted = generation(key());
      if (wanted === asked) return;
      asked = wanted;
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

/** The key of an answer: what was asked, and after which refresh. */
export function generation(key: string | undefined): string | undefined {
  return key === undefined ? undefined : `${key}#${refreshes.value}`;
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
    end();
    state.value = { data: state.value.data, error: undefined, ...result, loading: false };
  };
  const cancel = () => {
    abort.abort();
    finish({});
  };
  const end = beginRequest(cancel);
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
function keep(key: string, data: unknown): void {
  cache.delete(key);
  cache.set(key, data);
  if (cache.size > CACHE_MAX) cache.delete(cache.keys().next().value!);
}
