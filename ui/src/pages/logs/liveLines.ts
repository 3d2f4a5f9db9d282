/** Live lines: they go on top while the reader is there, and wait in a queue while they read further down. Pure. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { TailState } from "../../api/stream";
import type { LogRecord } from "../../api/types";
import { count } from "../../lib/format";
import { keyOf } from "./record";

/** Older live lines than these are dropped; a search finds them again. */
const KEPT_MAX = 50_000;
/** As many of the newest listed records can come by the tail too. */
const KNOWN_MAX = 3_000;

export interface Tail {
  /** Lines on screen, newest first. */
  lines: ReadonlySignal<readonly LogRecord[]>;
  /** Number of lines that wait. */
  waiting: ReadonlySignal<number>;
  /** State in a word or two, for the switch. */
  words: ReadonlySignal<string>;
  /** Whether new lines wait. */
  hold: (isHeld: boolean) => void;
  /** Brings the waiting lines on screen. */
  release: () => void;
  clear: () => void;
  /** Records that a search listed already: around the start of the tail both have them. */
  exclude: (records: readonly LogRecord[]) => void;
}

/** The lines and their queue; what connects them is below. */
export class LiveLines implements Tail {
  readonly lines = signal<readonly LogRecord[]>([]);
  readonly waiting = signal(0);
  readonly state = signal<TailState | "off">("off");
  readonly dropped = signal(0);
  readonly words = computed(() => wordsFor(this.state.value, this.dropped.value));
  private queue: readonly LogRecord[] = [];
  private isHeld = false;
  private known = new Set<string>();

  readonly add = (records: readonly LogRecord[], droppedCount: number): void => {
    batch(() => {
      this.dropped.value += droppedCount;
      const fresh = records.filter((record) => !this.known.has(keyOf(record)));
      this.queue = merged(fresh, this.queue);
      if (this.isHeld) this.waiting.value = this.queue.length;
      else this.release();
    });
  };

  readonly hold = (isHeld: boolean): void => {
    this.isHeld = isHeld;
    if (!isHeld && this.queue.length > 0) this.release();
  };

  readonly release = (): void => {
    const queue = this.queue;
    this.queue = [];
    batch(() => {
      this.lines.value = merged(queue, this.lines.value);
      this.waiting.value = 0;
    });
  };

  readonly exclude = (records: readonly LogRecord[]): void => {
    this.known = new Set(records.slice(0, KNOWN_MAX).map(keyOf));
    // The tail may have been quicker than the search.
    const lines = this.lines.peek().filter((record) => !this.known.has(keyOf(record)));
    if (lines.length < this.lines.peek().length) this.lines.value = lines;
  };

  /** Lines that came before the tail was open, or while it was interrupted. */
  readonly catchUp = (records: readonly LogRecord[]): void => {
    const shown = new Set([...this.lines.peek(), ...this.queue].map(keyOf));
    this.add(
      records.filter((record) => !shown.has(keyOf(record))),
      0,
    );
  };

  readonly clear = (): void => {
    this.queue = [];
    batch(() => {
      this.lines.value = [];
      this.waiting.value = 0;
    });
  };
}

/** Newest first. What comes late goes to its place; most lines come in order, so that only the top is looked at. */
function merged(fresh: readonly LogRecord[], known: readonly LogRecord[]): readonly LogRecord[] {
  if (fresh.length === 0) return known;
  const oldest = fresh.reduce((least, record) => (isBefore(record, least) ? record : least));
  const at = known.findIndex((record) => isBefore(record, oldest));
  const end = at < 0 ? known.length : at;
  const top = [...fresh, ...known.slice(0, end)].sort((a, b) => (isBefore(a, b) ? 1 : isBefore(b, a) ? -1 : 0));
  return [...top, ...known.slice(end)].slice(0, KEPT_MAX);
}

/** Nanoseconds are texts, and those of more digits are later. */
function isBefore({ timestamp: a }: LogRecord, { timestamp: b }: LogRecord): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}

function wordsFor(state: TailState | "off", dropped: number): string {
  if (state === "off") return "Live";
  if (state === "connecting") return "Connecting";
  if (state === "lost") return "Connection lost";
  return dropped > 0 ? `Live, ${count(dropped)} skipped` : "Live";
}
