/** What stands where data would: nothing found, something failed. */

import type { ComponentChildren } from "preact";
import { ApiError } from "../api/client";
import styles from "./Message.module.css";

interface Props {
  title: string;
  children?: ComponentChildren;
}

/** Two or three lines that say what happened and what to do. */
export function Message({ title, children }: Props) {
  return (
    <div class={styles.message} role="status">
      <p class={styles.title}>{title}</p>
      {children}
    </div>
  );
}

/** An error of the API in words. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const code = error instanceof ApiError ? error.code : "";
  const title =
    code === "invalid_query" ? "The query does not parse." : code === "not_found" ? "Not found." : "That did not work.";
  return (
    <div class={styles.message} role="alert">
      <p class={styles.title}>{title}</p>
      <p>{error.message}</p>
      {retry && (
        <button class={styles.retry} onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
