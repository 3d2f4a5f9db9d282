/** Loads the code of a page when it is first shown. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../kit/Message";

interface Props {
  load: () => Promise<{ default: ComponentType }>;
}

export function LazyPage({ load }: Props) {
  const [page, setPage] = useState<{ component: ComponentType } | undefined>(undefined);
  const [error, setError] = useState<Error | undefined>(undefined);
  useEffect(() => {
    load().then(
      (module) => setPage({ component: module.default }),
      // A newer server has other files: only the start document knows their names.
      () => setError(new Error("This page's files are not there any more. Reload to get the present version.")),
    );
  }, []);
  if (error) return <Failure error={error} retry={() => window.location.reload()} />;
  return page ? <page.component /> : null;
}
