/** The frame around every page: bar, progress, page, overlays. */

import { useComputed, useSignalEffect } from "@preact/signals";
import type { ComponentType } from "preact";
import { ValueMenu } from "../kit/ValueMenu";
import { notice } from "../lib/copy";
import { underWay } from "../lib/resource";
import { path, replace } from "../lib/route";
import styles from "./App.module.css";
import { GlobalKeys } from "./GlobalKeys";
import { LazyPage } from "./LazyPage";
import { overlay } from "./overlay";
import { Palette } from "./Palette";
import { type PageName, placeOf } from "./places";
import { Shortcuts } from "./Shortcuts";
import { TopBar } from "./TopBar";

type Loader = () => Promise<{ default: ComponentType }>;

const PAGES: Readonly<Record<PageName, Loader>> = {
  start: () => import("../pages/services/Start"),
  services: () => import("../pages/services/Page"),
  traces: () => import("../pages/traces/Page"),
  trace: () => import("../pages/trace/Page"),
  logs: () => import("../pages/logs/Page"),
  setup: () => import("../pages/setup/Page"),
  status: () => import("../pages/status/Page"),
  missing: () => import("../pages/missing/Page"),
};

export function App() {
  const page = useComputed(() => placeOf(path.value).page);
  useSignalEffect(() => {
    const proper = placeOf(path.value).path;
    if (proper !== path.value) replace(proper + window.location.search);
  });
  return (
    <>
      <GlobalKeys />
      <TopBar />
      <div class={styles.progress} data-busy={underWay.value > 0} />
      <main class={styles.page}>
        <LazyPage key={page.value} load={PAGES[page.value]} />
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
