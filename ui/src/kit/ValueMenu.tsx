/** Draws the menu of `menu.ts`. */

import { useLayoutEffect, useRef } from "preact/hooks";
import { closeMenu, type MenuItem, openMenu } from "./menu";
import styles from "./ValueMenu.module.css";

const WIDTH_PX = 260;
const MARGIN_PX = 8;

export function ValueMenu() {
  const menu = openMenu.value;
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!menu || !box.current) return;
    const { at } = menu;
    const height = box.current.offsetHeight;
    const fitsBelow = at.bottom + height + MARGIN_PX < innerHeight;
    const left = Math.min(at.left, innerWidth - WIDTH_PX - MARGIN_PX);
    box.current.style.left = `${Math.max(MARGIN_PX, left)}px`;
    box.current.style.top = `${fitsBelow ? at.bottom + 2 : Math.max(MARGIN_PX, at.top - height - 2)}px`;
    box.current.querySelector<HTMLElement>("[role=menuitem]")?.focus();
  }, [menu]);
  if (!menu) return null;
  return (
    <div class={styles.veil} onMouseDown={closeMenu}>
      <div
        ref={box}
        class={styles.menu}
        role="menu"
        aria-label={menu.title}
        onMouseDown={(event) => event.stopPropagation()}
        onKeyDown={(event) => onKey(event, box.current!)}
      >
        <div class={styles.title} role="presentation">
          {menu.title}
        </div>
        {menu.items.map((item) => (
          <Item key={item.label} item={item} />
        ))}
      </div>
    </div>
  );
}

function Item({ item }: { item: MenuItem }) {
  const content = (
    <>
      {item.label}
      {item.note && <span class={styles.note}>{item.note}</span>}
    </>
  );
  if (item.href) {
    return (
      <a class={styles.item} role="menuitem" tabIndex={-1} href={item.href} onClick={() => setTimeout(closeMenu)}>
        {content}
      </a>
    );
  }
  const choose = () => {
    closeMenu();
    item.run?.();
  };
  return (
    <button class={styles.item} role="menuitem" tabIndex={-1} onClick={choose}>
      {content}
    </button>
  );
}

function onKey(event: KeyboardEvent, box: HTMLElement): void {
  const items = [...box.querySelectorAll<HTMLElement>("[role=menuitem]")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (step !== undefined) items[(at + step + items.length) % items.length]?.focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else return;
  event.preventDefault();
  event.stopPropagation();
}
