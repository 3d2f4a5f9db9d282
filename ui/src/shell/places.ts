/** Which page a path shows, and how its address is properly written. Pure. */

const LISTS = ["services", "traces", "logs", "setup", "status"] as const;

export type PageName = "start" | (typeof LISTS)[number] | "trace" | "missing";

export interface Place {
  page: PageName;
  /** The one address of what is shown. */
  path: string;
}

/** Slashes at the end do not count; `/traces/<id>` is the trace, as in the API. */
export function placeOf(path: string): Place {
  const [first, second, ...rest] = path.split("/").filter((part) => part !== "");
  if (first === undefined) return { page: "start", path: "/" };
  const list = LISTS.find((name) => name === first);
  if (list && second === undefined) return { page: list, path: `/${list}` };
  if ((first === "trace" || first === "traces") && second !== undefined && rest.length === 0)
    return { page: "trace", path: `/trace/${second}` };
  return { page: "missing", path };
}
