/** A service's name with its colour. */

import { hueOfName } from "../trace/colors";
import styles from "./Service.module.css";

interface Props {
  name: string;
  /** The class of its colour, where a trace gives one. */
  hue?: string;
}

/** The name as it is shown; records may come without `service.name`. */
export function serviceLabel(name: string): string {
  return name || "(no name)";
}

export function Service({ name, hue }: Props) {
  return (
    <span class={`${styles.service} ${hue ?? hueOfName(name)}`} title={name}>
      {serviceLabel(name)}
    </span>
  );
}
