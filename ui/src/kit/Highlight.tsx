/** The coloured copy of a query that lies under the input, with its mistake underlined. */

import { tokenize } from "../query/lexer";
import styles from "./QueryInput.module.css";

interface Props {
  text: string;
  /** Where the server found it wrong. */
  mistake: number | undefined;
  /** How far the input is scrolled. */
  scroll: number;
}

export function Highlight({ text, mistake, scroll }: Props) {
  const tokens = tokenize(text);
  const isWrong = (start: number, end: number) => mistake !== undefined && start <= mistake && mistake < end;
  const isAtEnd = mistake !== undefined && mistake >= text.length;
  return (
    <div class={styles.highlight} aria-hidden="true">
      <div class={styles.text} style={{ transform: `translateX(${-scroll}px)` }}>
        {tokens.map(({ kind, start, end }) => (
          <span key={start} class={`${styles[kind] ?? ""} ${isWrong(start, end) ? styles.wrong : ""}`}>
            {text.slice(start, end)}
          </span>
        ))}
        {isAtEnd && <span class={styles.wrong}>{"\u00a0\u00a0"}</span>}
      </div>
    </div>
  );
}
