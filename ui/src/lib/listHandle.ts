/** What can be asked of a list that draws only its visible rows. */

export interface ListHandle {
  /** Brings a row on screen: as little as needed for a step, to the middle for a jump. */
  reveal: (index: number) => void;
  isAtTop: () => boolean;
}
