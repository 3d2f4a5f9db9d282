/** The one menu that opens at a click on a value. What is in it is up to the opener. */

import { signal } from "@preact/signals";

export interface MenuItem {
  label: string;
  note?: string;
  /** Where it leads; a real link. */
  href?: string;
  run?: () => void;
}

interface OpenMenu {
  title: string;
  items: readonly MenuItem[];
  at: { left: number; top: number; bottom: number };
  opener: HTMLElement;
}

export const openMenu = signal<OpenMenu | undefined>(undefined);

/** Opens the menu beside an element. */
export function showMenu(opener: HTMLElement, title: string, items: readonly MenuItem[]): void {
  const { left, top, bottom } = opener.getBoundingClientRect();
  openMenu.value = { title, items, at: { left, top, bottom }, opener };
}

/** Closes it and gives the focus back. */
export function closeMenu(): void {
  const menu = openMenu.peek();
  openMenu.value = undefined;
  menu?.opener.focus();
}
