/** One row of the waterfall. */

import { Icon } from "../../kit/Icon";
import { count, duration } from "../../lib/format";
import { hueClass } from "../../trace/colors";
import { isError, nameOf, serviceOf, spanIdOf } from "../../trace/frame";
import { share } from "../../trace/window";
import { runLength, type TraceView } from "./view";
import styles from "./Waterfall.module.css";

interface Props {
  view: TraceView;
  row: number;
  index: number;
  /** Times of the logs by span id. */
  logTimes: ReadonlyMap<string, readonly bigint[]>;
}

const LOG_MARKS_MAX = 24;

export function SpanRow({ view, row, index, logTimes }: Props) {
  const { frame, tree } = view;
  const run = runLength(view, row);
  const shape = view.shape.value;
  const canOpen = tree.children[row]! > 0 || tree.repeats[row]! > 0;
  const isClosed = run > 1 || shape.collapsed.has(row);
  const parent = tree.parent[row]!;
  const failed = isError(frame, row);
  return (
    <div
      id={`span-${row}`}
      data-row={row}
      class={`${styles.row} ${hueClass(view.places[frame.service[row]!]!)}`}
      role="row"
      aria-level={frame.depth[row]! + 1}
      aria-rowindex={index + 1}
      aria-posinset={tree.position[row]}
      aria-setsize={parent < 0 ? tree.roots : tree.children[parent]}
      aria-expanded={canOpen ? !isClosed : undefined}
      aria-selected={row === view.selected.value}
      data-match={view.matches.value?.[row] === 1}
      data-dim={view.matches.value?.[row] === 0}
    >
      <div class={styles.name} role="gridcell">
        <span class={styles.indent} style={{ width: `calc(var(--indent) * ${frame.depth[row]})` }} />
        <span class={styles.caret} data-toggle={canOpen}>
          {canOpen && <Icon name={isClosed ? "right" : "down"} />}
        </span>
        <span class={styles.hue} />
        <span class={styles.service}>{serviceOf(frame, row)}</span>
        <span class={styles.label}>{nameOf(frame, row) || "(no name)"}</span>
        {run > 1 && <span class={styles.run}>×{count(run)}</span>}
        {isClosed && run === 1 && <span class={styles.run}>{count(tree.end[row]! - row - 1)} below</span>}
        {failed && <span class={styles.error}>✕</span>}
      </div>
      <div class={styles.time} role="gridcell">
        {run > 1 ? <Run view={view} row={row} length={run} /> : <Bar view={view} row={row} logTimes={logTimes} />}
      </div>
    </div>
  );
}

function Bar({ view, row, logTimes }: Omit<Props, "index">) {
  const { frame } = view;
  const window = view.window.value;
  const [start, nano] = [frame.start[row]!, frame.duration[row]!];
  const [from, to] = [share(window, start), share(window, start + nano)];
  const critical = view.critical.value;
  const hasPath = critical.size > 0;
  return (
    <>
      {from < 1 && to > 0 && (
        <span
          class={styles.bar}
          data-faint={hasPath}
          style={{
            left: `${Math.max(from, -0.01) * 100}%`,
            width: `${(Math.min(to, 1.01) - Math.max(from, -0.01)) * 100}%`,
          }}
        />
      )}
      {hasPath &&
        critical.get(row)?.map((segment) => (
          <span
            key={segment.from}
            class={styles.critical}
            style={{
              left: `${share(window, segment.from) * 100}%`,
              width: `${((segment.to - segment.from) / (window.to - window.from)) * 100}%`,
            }}
          />
        ))}
      <Logs view={view} row={row} logTimes={logTimes} />
      <Duration text={duration(nano)} from={from} to={to} />
    </>
  );
}

/** A run of like leaves as one row: a mark each, and what they add up to. */
function Run({ view, row, length }: { view: TraceView; row: number; length: number }) {
  const { frame } = view;
  const window = view.window.value;
  let [sum, longest, end] = [0, 0, 0];
  for (let member = row; member < row + length; member += 1) {
    sum += frame.duration[member]!;
    longest = Math.max(longest, frame.duration[member]!);
    end = Math.max(end, frame.start[member]! + frame.duration[member]!);
  }
  const [from, to] = [share(window, frame.start[row]!), share(window, end)];
  return (
    <>
      {from < 1 && to > 0 && (
        <span class={styles.dashes} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
      )}
      <Duration text={`Σ ${duration(sum)} · max ${duration(longest)}`} from={from} to={to} />
    </>
  );
}

function Logs({ view, row, logTimes }: Omit<Props, "index">) {
  const times = logTimes.size > 0 ? logTimes.get(spanIdOf(view.frame, row)) : undefined;
  if (!times) return null;
  const start = BigInt(view.frame.startTimeUnixNano);
  return (
    <>
      {times.slice(0, LOG_MARKS_MAX).map((time, index) => {
        const at = share(view.window.value, Number(time - start));
        return at >= 0 && at <= 1 ? <span key={index} class={styles.log} style={{ left: `${at * 100}%` }} /> : null;
      })}
    </>
  );
}

/** The duration stands where there is room: after the bar, before it, or at its end. */
function Duration({ text, from, to }: { text: string; from: number; to: number }) {
  const end = Math.min(Math.max(to, 0), 1);
  const start = Math.min(Math.max(from, 0), 1);
  if (end < 0.84)
    return (
      <span class={styles.duration} style={{ left: `${end * 100}%` }}>
        {text}
      </span>
    );
  if (start > 0.16)
    return (
      <span class={styles.duration} style={{ right: `${(1 - start) * 100}%` }}>
        {text}
      </span>
    );
  return (
    <span class={`${styles.duration} ${styles.inside}`} style={{ right: `${(1 - end) * 100}%` }}>
      {text}
    </span>
  );
}
