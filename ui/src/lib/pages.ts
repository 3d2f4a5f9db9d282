/** A list that comes in pages: loads the first, appends the next, keeps what it has for when the reader comes back. */

import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { beginRequest, generation } from "./resource";

export interface Page<T> {
  items: readonly T[];
  nextCursor: string | null;
}

export interface PagedList<T, P> {
  items: readonly T[];
  /** The first page's answer, with its statistics. */
  first: P | undefined;
  nextCursor: string | null;
  loading: boolean;
  error: Error | undefined;
}

const KEPT_MAX = 12;
const kept = new Map<string, PagedList<unknown, unknown>>();

type Load<T, P> = (
  address: string,
  cursor: string | null,
  signal: AbortSignal,
) => Promise<{ page: Page<T>; answer: P }>;

interface Handle<T, P> {
  list: ReadonlySignal<PagedList<T, P>>;
  /** Loads the next page, unless one is on its way. */
  more: () => void;
}

const EMPTY = { items: [], first: undefined, nextCursor: null, loading: false, error: undefined };

/** Follows `key`; whenever it changes the list begins anew, while the old one stays on screen until the answer comes. */
export function usePages<T, P>(key: () => string | undefined, load: Load<T, P>): Handle<T, P> {
  const handle = useMemo(() => new Pages(load), []);
  useEffect(() => {
    const stop = effect(() => {
      const wanted = key();
      const name = generation(wanted);
      untracked(() => handle.begin(wanted, name));
    });
    return () => {
      stop();
      handle.cancel();
    };
  }, []);
  return handle;
}

class Pages<T, P> implements Handle<T, P> {
  readonly list = signal<PagedList<T, P>>({ ...EMPTY, loading: true });
  private address: string | undefined;
  /** Under which the list is kept; null before the first. */
  private name: string | undefined | null = null;
  private abort = new AbortController();

  constructor(private readonly load: Load<T, P>) {}

  begin(address: string | undefined, name: string | undefined): void {
    if (name === this.name) return;
    this.cancel();
    this.address = address;
    this.name = name;
    const known = name === undefined ? EMPTY : kept.get(name);
    if (known) this.list.value = known as PagedList<T, P>;
    else void this.request(null);
  }

  readonly more = (): void => {
    const { loading, nextCursor } = this.list.value;
    if (!loading && nextCursor !== null) void this.request(nextCursor);
  };

  cancel(): void {
    this.abort.abort();
    this.list.value = { ...this.list.value, loading: false };
  }

  private async request(cursor: string | null): Promise<void> {
    const abort = (this.abort = new AbortController());
    const name = this.name!;
    const end = beginRequest(() => this.cancel());
    this.list.value = { ...this.list.value, loading: true, error: undefined };
    try {
      const { page, answer } = await this.load(this.address!, cursor, abort.signal);
      if (abort.signal.aborted) return;
      const before = cursor === null ? { items: [], first: answer } : this.list.value;
      const items = cursor === null ? page.items : [...before.items, ...page.items];
      this.list.value = { items, first: before.first, nextCursor: page.nextCursor, loading: false, error: undefined };
      kept.delete(name);
      kept.set(name, this.list.value);
      if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    } catch (error) {
      if (abort.signal.aborted) return;
      const before = cursor === null ? EMPTY : this.list.value;
      this.list.value = { ...before, loading: false, error: error as Error };
    } finally {
      end();
    }
  }
}
