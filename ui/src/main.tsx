import "./styles/tokens.css";
import "./styles/base.css";
import { render } from "preact";
import { startKeys } from "./lib/keys";
import { applyTheme } from "./lib/preferences";
import { startRouting } from "./lib/route";
import { App } from "./shell/App";

applyTheme();
startRouting();
startKeys();
render(<App />, document.getElementById("app")!);
