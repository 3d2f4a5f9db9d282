import { render } from "preact";

render(<main>Tracewell</main>, document.getElementById("app")!);
