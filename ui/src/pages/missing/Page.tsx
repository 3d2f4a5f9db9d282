/** A path that is no page. */

import { Message } from "../../kit/Message";
import { path } from "../../lib/route";
import { usePageTitle } from "../../lib/title";

export default function MissingPage() {
  usePageTitle("No such page");
  return (
    <Message title="There is no such page.">
      <p>
        {path.value} leads nowhere. Begin at <a href="/traces">Traces</a> or <a href="/logs">Logs</a>.
      </p>
    </Message>
  );
}
