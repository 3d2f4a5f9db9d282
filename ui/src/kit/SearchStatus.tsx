/** The line below the query bar: how much was found, whether that is all, what it cost. */

import type { ComponentChildren } from "preact";
import type { Answer } from "../api/types";
import { count, duration } from "../lib/format";
import styles from "./SearchStatus.module.css";

interface Props {
  /** What was found, in words. */
  found: string;
  answer: Partial<Answer> | undefined;
  loading: boolean;
  children?: ComponentChildren;
}

export function SearchStatus({ found, answer, loading, children }: Props) {
  return (
    <div class={styles.line}>
      <p class={styles.words} role="status">
        {answer ? <Words found={found} answer={answer} /> : loading ? "Searching" : ""}
      </p>
      {children}
    </div>
  );
}

function Words({ found, answer }: { found: string; answer: Partial<Answer> }) {
  const { exactness, statistics } = answer;
  return (
    <>
      <strong>{found}</strong>
      {exactness?.state === "partial" && <span class={styles.partial}> · partial: {exactness.reason}</span>}
      {exactness?.state === "exact" && " · exact"}
      {statistics && (
        <span class={styles.cost}>
          {` · ${duration(statistics.elapsedMs * 1e6)} · read ${count(statistics.segmentsRead)} of ${count(statistics.segmentsTotal)} segments, ${count(statistics.rowsScanned)} rows`}
        </span>
      )}
    </>
  );
}
