import { expect, test } from "vitest";
import type { ServiceMap, ServiceMapEdge, ServiceMapNode } from "../../api/types";
import { calledBy, calls } from "./calls";

const node = (id: string) => ({ id, name: id.split(":")[1] }) as ServiceMapNode;
const edge = (source: string, target: string, count: number) => ({ source, target, count }) as ServiceMapEdge;
const map = {
  nodes: [node("service:cart"), node("service:gate"), node("service:pay"), node("database/redis:cache")],
  edges: [
    edge("service:gate", "service:cart", 5),
    edge("service:cart", "service:pay", 2),
    edge("service:cart", "database/redis:cache", 9),
    edge("service:gate", "service:pay", 1),
  ],
} as ServiceMap;

test("the calls of a service are those from it, the most frequent first", () => {
  expect(calls(map, "cart").map(({ node }) => node.id)).toEqual(["database/redis:cache", "service:pay"]);
  expect(calledBy(map, "cart").map(({ node, edge }) => [node.name, edge.count])).toEqual([["gate", 5]]);
  expect(calledBy(map, "gate")).toEqual([]);
});
