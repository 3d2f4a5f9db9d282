/** The frame around every page: bar, progress, page, overlays. */

import { useComputed } from "@preact/signals";
import type { ComponentType } from "preact";
import { ValueMenu } from "../kit/ValueMenu";
import { notice } from "../lib/copy";
import { underWay } from "../lib/resource";
import { path } from "../lib/route";
import styles from "./App.module.css";
import { GlobalKeys } from "./GlobalKeys";
import { LazyPage } from "./LazyPage";
import { overlay } from "./overlay";
import { Palette } from "./Palette";
import { Shortcuts } from "./Shortcuts";
import { TopBar } from "./TopBar";

type Loader = () => Promise<{ default: ComponentType }>;

/** Pages by the first segment of their path. */
const PAGES: Readonly<Record<string, Loader>> = {
  "": () => import("../pages/services/Start"),
  "services": () => import("../pages/services/Page"),
  "traces": () => import("../pages/traces/Page"),
  "trace": () => import("../pages/trace/Page"),
  "logs": () => import("../pages/logs/Page"),
  "setup": () => import("../pages/setup/Page"),
  "status": () => import("../pages/status/Page"),
};

export function App() {
  const segment = useComputed(() => path.value.split("/")[1] ?? "");
  const load = PAGES[segment.value] ?? (() => import("../pages/missing/Page"));
  return (
    <>
      <GlobalKeys />
      <TopBar />
      <div class={styles.progress} data-busy={underWay.value > 0} />
      <main class={styles.page}>
        <LazyPage key={segment.value} load={load} />
      </main>
      {overlay.value === "palette" && <Palette />}
      {overlay.value === "shortcuts" && <Shortcuts />}
      <ValueMenu />
      <div class={styles.notice} role="status" data-shown={notice.value !== ""}>
        {notice.value}
      </div>
    </>
  );
}
