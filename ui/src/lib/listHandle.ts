/** What can be asked of a list that draws only its visible rows. */

export interface ListHandle {
  /** Scrolls as little as needed. */
  reveal: (index: number) => void;
  /** Puts a row in the middle when it is not on screen. */
  center: (index: number) => void;
  isAtTop: () => boolean;
  scrollBy: (rows: number) => void;
}
