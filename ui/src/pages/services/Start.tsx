/** The start page: the services, or how to send data while there is none. */

import { getJson, url } from "../../api/client";
import type { Status } from "../../api/types";
import { useResource } from "../../lib/resource";
import SetupPage from "../setup/Page";
import ServicesPage from "./Page";

export default function StartPage() {
  const status = useResource<Status>(
    () => url("/status"),
    (abort) => getJson(url("/status"), abort),
  ).value;
  if (status.loading) return null;
  const isEmpty =
    status.data !== undefined && !status.data.tables.some(({ liveRows, segmentRows }) => liveRows + segmentRows > 0);
  return isEmpty ? <SetupPage /> : <ServicesPage />;
}
