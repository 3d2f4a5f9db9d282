/** The one time control: presets, any range, time zone. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import controls from "../kit/controls.module.css";
import { Icon } from "../kit/Icon";
import { brief, clock, dateTime, day, zoneName } from "../lib/clock";
import { zone } from "../lib/preferences";
import { presetName, range, resolved, setRange } from "../lib/range";
import { parseInstant, PRESETS } from "../lib/time";
import { overlay, toggleOverlay } from "./overlay";
import styles from "./TimePicker.module.css";

/** The range in a few words. */
function summary(): string {
  const preset = presetName(range.value);
  if (preset) return preset;
  const { startMs, endMs } = resolved.value;
  const isOneDay = day(startMs) === day(endMs);
  return `${brief(startMs, isOneDay ? Date.now() : 0)} – ${isOneDay ? clock(endMs) : brief(endMs, 0)}`;
}

export function TimePicker() {
  const isOpen = overlay.value === "time";
  return (
    <div class={styles.picker}>
      <button
        class={controls.button}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        title="Time range (t)"
        onClick={() => toggleOverlay("time")}
      >
        <Icon name="clock" />
        <span>{summary()}</span>
        <span class={styles.zone}>{zoneName()}</span>
      </button>
      {isOpen && <Panel />}
    </div>
  );
}

function Panel() {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    panel.current?.querySelector<HTMLElement>("button")?.focus();
    const onMouseDown = (event: MouseEvent) => {
      if (!panel.current?.parentElement?.contains(event.target as Node)) overlay.value = "none";
    };
    document.addEventListener("mousedown", onMouseDown);
    return () => document.removeEventListener("mousedown", onMouseDown);
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    overlay.value = "none";
    panel.current?.parentElement?.querySelector("button")?.focus();
  };
  const choose = (start: string) => {
    overlay.value = "none";
    setRange({ start, end: "now" });
  };
  return (
    <div ref={panel} class={styles.panel} role="dialog" aria-label="Time range" onKeyDown={onKeyDown}>
      <div class={styles.presets}>
        {PRESETS.map(([start, label]) => (
          <button
            key={start}
            class={styles.preset}
            aria-pressed={range.value.start === start && range.value.end === "now"}
            onClick={() => choose(start)}
          >
            {label}
          </button>
        ))}
      </div>
      <Custom />
      <div class={styles.zones} role="group" aria-label="Time zone">
        {(["local", "utc"] as const).map((name) => (
          <button
            key={name}
            class={styles.preset}
            aria-pressed={zone.value === name}
            onClick={() => (zone.value = name)}
          >
            {name === "utc" ? "UTC" : "Local time"}
          </button>
        ))}
      </div>
    </div>
  );
}

function Custom() {
  const start = useSignal(written(range.value.start));
  const end = useSignal(written(range.value.end));
  const mistake = useSignal("");
  const apply = (event: Event) => {
    event.preventDefault();
    const now = Date.now();
    const [from, to] = [parseInstant(start.value.trim(), now), parseInstant(end.value.trim(), now)];
    if (from === undefined || to === undefined) mistake.value = "Write 2026-08-21 12:00, now-2h or Unix time.";
    else if (from >= to) mistake.value = "The start must be before the end.";
    else {
      overlay.value = "none";
      setRange({ start: portable(start.value.trim(), from), end: portable(end.value.trim(), to) });
    }
  };
  return (
    <form class={styles.custom} onSubmit={apply}>
      <label>
        From
        <input
          class={controls.field}
          value={start.value}
          onInput={(event) => (start.value = event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input class={controls.field} value={end.value} onInput={(event) => (end.value = event.currentTarget.value)} />
      </label>
      {mistake.value && (
        <p class={styles.mistake} role="alert">
          {mistake.value}
        </p>
      )}
      <button class={controls.button} type="submit">
        Apply
      </button>
    </form>
  );
}

/** An absolute time as the reader's zone writes it; a relative one as it is. */
function written(text: string): string {
  if (text.startsWith("now")) return text;
  const ms = parseInstant(text, Date.now());
  return ms === undefined ? text : `${dateTime(ms)}${zone.value === "utc" ? "Z" : ""}`.replace(" ", "T");
}

/** What a link must say so that it means the same to everybody. */
function portable(text: string, ms: number): string {
  return text.startsWith("now") ? text : new Date(ms).toISOString();
}
