/** Live lines: they go on top while the reader is there, and wait in a queue while they read further down. Pure. */

import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { TailState } from "../../api/stream";
import type { LogRecord } from "../../api/types";
import { count } from "../../lib/format";
import { keyOf } from "./record";

/** Older live lines than these are dropped; a search finds them again. */
const KEPT_MAX = 50_000;
/** As many of the newest listed records can come by the tail too. */
const KNOWN_MAX = 300;

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
      this.queue = [...newestFirst(fresh), ...this.queue].slice(0, KEPT_MAX);
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
      this.lines.value = [...queue, ...this.lines.value].slice(0, KEPT_MAX);
      this.waiting.value = 0;
    });
  };

  readonly exclude = (records: readonly LogRecord[]): void => {
    this.known = new Set(records.slice(0, KNOWN_MAX).map(keyOf));
  };

  readonly clear = (): void => {
    this.queue = [];
    batch(() => {
      this.lines.value = [];
      this.waiting.value = 0;
    });
  };
}

function newestFirst(records: readonly LogRecord[]): readonly LogRecord[] {
  return records.toSorted((a, b) => (BigInt(a.timestamp) < BigInt(b.timestamp) ? 1 : -1));
}

function wordsFor(state: TailState | "off", dropped: number): string {
  if (state === "off") return "Live";
  if (state === "connecting") return "Connecting";
  if (state === "lost") return "Connection lost";
  return dropped > 0 ? `Live, ${count(dropped)} skipped` : "Live";
}
