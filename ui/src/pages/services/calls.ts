/** The calls of one service in the service map, the most frequent first. */

import type { ServiceMap, ServiceMapEdge, ServiceMapNode } from "../../api/types";

/** A call and its other end. */
export interface Call {
  node: ServiceMapNode;
  edge: ServiceMapEdge;
}

const idOf = (service: string) => `service:${service}`;

/** Who calls the service. */
export function calledBy(map: ServiceMap, service: string): Call[] {
  return joined(map, (edge) => edge.target === idOf(service), "source");
}

/** Whom the service calls. */
export function calls(map: ServiceMap, service: string): Call[] {
  return joined(map, (edge) => edge.source === idOf(service), "target");
}

function joined(map: ServiceMap, wanted: (edge: ServiceMapEdge) => boolean, end: "source" | "target"): Call[] {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const found = map.edges.filter(wanted).flatMap((edge) => {
    const node = nodes.get(edge[end]);
    return node ? [{ node, edge }] : [];
  });
  return found.sort((a, b) => b.edge.count - a.edge.count);
}
