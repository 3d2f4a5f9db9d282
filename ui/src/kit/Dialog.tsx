/** An overlay in the middle; Escape or a click beside it closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import styles from "./Dialog.module.css";

interface Props {
  label: string;
  onClose: () => void;
  children: ComponentChildren;
}

export function Dialog({ label, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus();
  }, []);
  const onMouseDown = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog ref={dialog} class={styles.dialog} aria-label={label} onCancel={onClose} onMouseDown={onMouseDown}>
      <div class={styles.content}>{children}</div>
    </dialog>
  );
}
