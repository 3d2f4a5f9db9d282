/** A service's name with its colour. */

import { hueOfName } from "../trace/colors";
import styles from "./Service.module.css";

interface Props {
  name: string;
  /** The class of its colour, where a trace gives one. */
  hue?: string;
}

export function Service({ name, hue }: Props) {
  return (
    <span class={`${styles.service} ${hue ?? hueOfName(name)}`} title={name}>
      {name || "unknown"}
    </span>
  );
}
