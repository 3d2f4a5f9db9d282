/** What the services of a believable shop do: templates of operations. */

export interface Operation {
  service: string;
  name: string;
  kind: "server" | "client" | "internal" | "producer" | "consumer";
  /** Typical milliseconds of its own. */
  ms: number;
  failure?: number;
  /** How many times in a row it is called. */
  times?: number;
  attributes?: Record<string, string | number | boolean>;
  log?: readonly [severity: number, body: string];
  calls?: readonly Operation[];
}

const db = (service: string, name: string, query: string, ms: number, times = 1): Operation => ({
  service,
  name,
  kind: "client",
  ms,
  times,
  attributes: { "db.system.name": "postgresql", "db.query.text": query, "server.address": "pg-0.shop.internal" },
});

const redis = (service: string, name: string): Operation => ({
  service,
  name,
  kind: "client",
  ms: 1.2,
  attributes: { "db.system.name": "redis", "db.operation.name": name },
});

const http = (
  service: string,
  method: string,
  route: string,
  ms: number,
  rest: Partial<Operation> = {},
): Operation => ({
  service,
  name: `${method} ${route}`,
  kind: "server",
  ms,
  ...rest,
  attributes: {
    "http.request.method": method,
    "http.route": route,
    "http.response.status_code": 200,
    "url.path": route,
    ...rest.attributes,
  },
});

const rpc = (service: string, name: string, ms: number, rest: Partial<Operation> = {}): Operation => ({
  service,
  name,
  kind: "server",
  ms,
  ...rest,
  attributes: { "rpc.system": "grpc", "rpc.method": name, ...rest.attributes },
});

const cart = rpc("cart", "GetCart", 6, {
  calls: [redis("cart", "GET"), redis("cart", "EXPIRE")],
  log: [9, "cart loaded user=u-<n> items=<n>"],
});

const charge = rpc("payment", "Charge", 24, {
  failure: 0.04,
  log: [9, "charge accepted order=<n> amount=<n>.00 EUR"],
  calls: [
    {
      service: "payment",
      name: "POST bank.acme/charge",
      kind: "client",
      ms: 180,
      failure: 0.03,
      attributes: { "server.address": "bank.acme.example", "http.request.method": "POST" },
      log: [13, "retry <n>/3 bank=acme after timeout"],
    },
    db("payment", "INSERT payments", "INSERT INTO payments (id, amount, currency) VALUES ($1, $2, $3)", 5),
  ],
});

const shipping = rpc("shipping", "Quote", 12, {
  log: [5, "quote computed zone=EU weight=<n>g"],
  calls: [rpc("currency", "Convert", 2, { log: [5, "converted EUR to USD rate=1.<n>"] })],
});

const email: Operation = {
  service: "email",
  name: "orders process",
  kind: "consumer",
  ms: 60,
  attributes: { "messaging.system": "kafka", "messaging.destination.name": "orders" },
  log: [9, "confirmation sent order=<n>"],
  calls: [{ service: "email", name: "render template", kind: "internal", ms: 18 }],
};

const order = http("checkout", "POST", "/order", 14, {
  failure: 0.01,
  log: [9, "order placed order=<n>"],
  calls: [
    cart,
    db("checkout", "SELECT products", "SELECT * FROM products WHERE id = $1", 4, 9),
    charge,
    shipping,
    { service: "checkout", name: "orders publish", kind: "producer", ms: 3, calls: [email] },
  ],
});

const products = rpc("catalog", "ListProducts", 8, {
  calls: [
    db("catalog", "SELECT products", "SELECT id, name, price FROM products ORDER BY rank LIMIT 40", 11),
    rpc("recommendation", "Recommend", 30, {
      calls: [redis("recommendation", "MGET")],
      log: [5, "model v7 scored <n> items"],
    }),
  ],
});

/** What visitors do, with weights. */
export const VISITS: readonly (readonly [number, Operation])[] = [
  [
    34,
    http("frontend", "GET", "/", 5, { calls: [products, rpc("ads", "GetAds", 9)], log: [9, "GET / 200 in <n> ms"] }),
  ],
  [
    26,
    http("frontend", "GET", "/product/{id}", 6, {
      calls: [products, rpc("catalog", "GetProduct", 4, { calls: [redis("catalog", "GET")] })],
    }),
  ],
  [18, http("frontend", "GET", "/cart", 5, { calls: [cart, shipping] })],
  [12, http("frontend", "POST", "/checkout", 7, { calls: [order], log: [9, "checkout finished session=<n>"] })],
  [
    6,
    {
      service: "shipping",
      name: "label batch",
      kind: "internal",
      ms: 220,
      calls: [db("shipping", "UPDATE labels", "UPDATE labels SET printed = true WHERE id = $1", 7, 24)],
      log: [9, "printed <n> labels"],
    },
  ],
  [4, http("frontend", "GET", "/healthz", 0.4)],
];
