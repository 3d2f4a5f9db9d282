//! Everything that the services do, and how often visitors ask for what.

use crate::operation::Protocol::{Database, Http, Internal, Queue, Rpc};
use crate::operation::{Failure, Operation, SOUND, between, many, once, perhaps};
use crate::services::*;

/// What starts a trace, and how many of a thousand do.
#[rustfmt::skip]
pub static ROOTS: [(u64, &Operation); 9] = [
    (230, &HOME), (300, &PRODUCT), (150, &SEARCH_PAGE), (105, &ADD_TO_CART), (70, &CHECK_OUT),
    (60, &ORDER_PAGE), (80, &HEALTH), (2, &RECONCILE), (3, &REINDEX),
];

const fn database(
    system: &'static str,
    collection: &'static str,
    operation: &'static str,
    query: &'static str,
) -> crate::operation::Protocol {
    Database { system, collection, operation, query }
}

const fn http(method: &'static str, route: &'static str, path: &'static str) -> crate::operation::Protocol {
    Http { method, route, path }
}

const fn internal(function: &'static str, file: &'static str) -> crate::operation::Protocol {
    Internal { function, file }
}

const SLOW_LOCK: Failure = Failure {
    probability: 0.001,
    in_incident: 0.09,
    exception: "org.postgresql.util.PSQLException",
    message: "ERROR: could not obtain lock on row in relation \"stock_levels\" for sku {sku}",
};

pub static HOME: Operation = Operation {
    service: STOREFRONT,
    name: "GET /",
    protocol: http("GET", "/", "/"),
    work_us: (400, 6_000),
    failure: SOUND,
    messages: &[
        "GET / {status} {bytes} bytes in {ms} ms",
        "rendered home page for {user} with {n} tiles",
        "feature flags evaluated: new_nav=true holiday_banner=false",
    ],
    calls: &[
        once(&VALIDATE),
        once(&LIST_FEATURED),
        perhaps(0.7, &RECOMMEND),
        many(1, 60, &QUOTE_PRICE),
        between(0, 3, &IMAGE),
    ],
};

pub static PRODUCT: Operation = Operation {
    service: STOREFRONT,
    name: "GET /products/{sku}",
    protocol: http("GET", "/products/{sku}", "/products/{sku}"),
    work_us: (500, 7_000),
    failure: SOUND,
    messages: &[
        "GET /products/{sku} {status} {bytes} bytes in {ms} ms",
        "product page {sku} served to {user} from {ip}",
        "cache miss for fragment product:{sku}:{hex}",
    ],
    calls: &[
        once(&VALIDATE),
        once(&GET_PRODUCT),
        once(&QUOTE_PRICE),
        once(&STOCK),
        perhaps(0.8, &RECOMMEND),
        between(1, 4, &IMAGE),
    ],
};

pub static SEARCH_PAGE: Operation = Operation {
    service: STOREFRONT,
    name: "GET /search",
    protocol: http("GET", "/search", "/search?q={word}&page={n}"),
    work_us: (500, 5_000),
    failure: SOUND,
    messages: &[
        "GET /search {status} {bytes} bytes in {ms} ms",
        "search for \"{word} {word}\" returned {n} results to {user}",
    ],
    calls: &[perhaps(0.5, &VALIDATE), once(&FIND), many(3, 48, &GET_PRODUCT), once(&QUOTE_PRICE)],
};

pub static ADD_TO_CART: Operation = Operation {
    service: STOREFRONT,
    name: "POST /cart/items",
    protocol: http("POST", "/cart/items", "/cart/items"),
    work_us: (300, 3_000),
    failure: SOUND,
    messages: &["POST /cart/items {status} {bytes} bytes in {ms} ms", "{user} put {n} of {sku} into the cart"],
    calls: &[once(&VALIDATE), once(&GET_PRODUCT), once(&STOCK), once(&CART_ADD), perhaps(0.3, &RECOMMEND)],
};

pub static CHECK_OUT: Operation = Operation {
    service: STOREFRONT,
    name: "POST /checkout",
    protocol: http("POST", "/checkout", "/checkout"),
    work_us: (600, 6_000),
    failure: SOUND,
    messages: &["POST /checkout {status} {bytes} bytes in {ms} ms", "checkout of {user} finished, order {order}"],
    calls: &[once(&VALIDATE), once(&CART_GET), once(&PLACE_ORDER)],
};

pub static ORDER_PAGE: Operation = Operation {
    service: STOREFRONT,
    name: "GET /orders/{id}",
    protocol: http("GET", "/orders/{id}", "/orders/{order}"),
    work_us: (300, 3_000),
    failure: SOUND,
    messages: &["GET /orders/{order} {status} {bytes} bytes in {ms} ms", "order history of {user} has {n} entries"],
    calls: &[once(&VALIDATE), once(&READ_ORDER), between(1, 5, &GET_PRODUCT)],
};

pub static HEALTH: Operation = Operation {
    service: STOREFRONT,
    name: "GET /healthz",
    protocol: http("GET", "/healthz", "/healthz"),
    work_us: (30, 300),
    failure: SOUND,
    messages: &["GET /healthz 200 2 bytes in 0 ms"],
    calls: &[],
};

pub static RECONCILE: Operation = Operation {
    service: WAREHOUSE_SYNC,
    name: "reconcile stock",
    protocol: internal("sync.reconcile.run", "/app/sync/reconcile.py"),
    work_us: (2_000, 90_000),
    failure: SOUND,
    messages: &[
        "reconciliation run {uuid} started for warehouse {word}",
        "reconciliation run {uuid} done: {n} corrections",
    ],
    calls: &[many(150, 9_000, &RECONCILE_ITEM)],
};

static RECONCILE_ITEM: Operation = Operation {
    service: WAREHOUSE_SYNC,
    name: "reconcile item",
    protocol: internal("sync.reconcile.item", "/app/sync/reconcile.py"),
    work_us: (20, 900),
    failure: SOUND,
    messages: &["sku {sku}: counted {n}, booked {n}"],
    calls: &[once(&READ_STOCK), perhaps(0.04, &STOCK)],
};

pub static REINDEX: Operation = Operation {
    service: SEARCH,
    name: "reindex products",
    protocol: internal("shop.search.Reindexer.run", "Reindexer.java"),
    work_us: (2_000, 60_000),
    failure: SOUND,
    messages: &["Reindexing batch {hex} with {n} documents", "Segment merge of index products-{n} finished in {ms} ms"],
    calls: &[many(40, 3_000, &INDEX_DOCUMENT)],
};

static INDEX_DOCUMENT: Operation = Operation {
    service: SEARCH,
    name: "index products",
    protocol: database("elasticsearch", "products", "index", "PUT /products/_doc/?"),
    work_us: (300, 4_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static VALIDATE: Operation = Operation {
    service: IDENTITY,
    name: "shop.identity.v1.Sessions/Validate",
    protocol: Rpc { service: "shop.identity.v1.Sessions", method: "Validate" },
    work_us: (80, 900),
    failure: Failure { probability: 0.004, in_incident: 0.004, exception: "", message: "session {hex} has expired" },
    messages: &["session validated user={user} age_s={n}", "token {hex} accepted for {user} from {ip}"],
    calls: &[once(&READ_SESSION)],
};

static READ_SESSION: Operation = Operation {
    service: IDENTITY,
    name: "GET session",
    protocol: database("redis", "session", "GET", "GET session:?"),
    work_us: (60, 900),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static LIST_FEATURED: Operation = Operation {
    service: CATALOG,
    name: "shop.catalog.v1.Products/ListFeatured",
    protocol: Rpc { service: "shop.catalog.v1.Products", method: "ListFeatured" },
    work_us: (200, 2_500),
    failure: SOUND,
    messages: &["listed {n} featured products", "featured list is {n} s old, refreshing"],
    calls: &[once(&SELECT_FEATURED)],
};

static SELECT_FEATURED: Operation = Operation {
    service: CATALOG,
    name: "SELECT catalog.products",
    protocol: database(
        "postgresql",
        "catalog.products",
        "SELECT",
        "SELECT p.sku, p.name, p.price_cents, p.currency FROM catalog.products p WHERE p.featured ORDER BY p.rank LIMIT $1",
    ),
    work_us: (300, 9_000),
    failure: SOUND,
    messages: &["slow statement ({ms} ms): SELECT p.sku, p.name FROM catalog.products WHERE featured"],
    calls: &[],
};

static GET_PRODUCT: Operation = Operation {
    service: CATALOG,
    name: "shop.catalog.v1.Products/Get",
    protocol: Rpc { service: "shop.catalog.v1.Products", method: "Get" },
    work_us: (90, 1_200),
    failure: Failure { probability: 0.002, in_incident: 0.002, exception: "", message: "product {sku} not found" },
    messages: &["product found sku={sku}", "product {sku} read from cache, age {n} s"],
    calls: &[perhaps(0.75, &READ_PRODUCT), perhaps(0.35, &SELECT_PRODUCT)],
};

static READ_PRODUCT: Operation = Operation {
    service: CATALOG,
    name: "GET product",
    protocol: database("redis", "product", "GET", "GET product:?"),
    work_us: (50, 700),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static SELECT_PRODUCT: Operation = Operation {
    service: CATALOG,
    name: "SELECT catalog.products",
    protocol: database(
        "postgresql",
        "catalog.products",
        "SELECT",
        "SELECT sku, name, description, price_cents, currency, picture, categories FROM catalog.products WHERE sku = $1",
    ),
    work_us: (200, 4_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static QUOTE_PRICE: Operation = Operation {
    service: PRICING,
    name: "shop.pricing.v1.Quotes/Quote",
    protocol: Rpc { service: "shop.pricing.v1.Quotes", method: "Quote" },
    work_us: (40, 600),
    failure: SOUND,
    messages: &["quoted sku={sku} cents={n} campaign={word}", "rule engine took {ms} ms for {n} rules"],
    calls: &[perhaps(0.15, &EVALUATE_RULES)],
};

static EVALUATE_RULES: Operation = Operation {
    service: PRICING,
    name: "evaluate rules",
    protocol: internal("pricing::rules::evaluate", "src/rules.rs"),
    work_us: (20, 2_000),
    failure: SOUND,
    messages: &["{n} rules matched for segment {word}"],
    calls: &[],
};

static RECOMMEND: Operation = Operation {
    service: RECOMMENDATION,
    name: "shop.recommendation.v2.Recommendations/List",
    protocol: Rpc { service: "shop.recommendation.v2.Recommendations", method: "List" },
    work_us: (900, 30_000),
    failure: Failure {
        probability: 0.006,
        in_incident: 0.006,
        exception: "grpc._channel._InactiveRpcError",
        message: "model server timeout after {ms} ms (deadline exceeded)",
    },
    messages: &[
        "recommending {n} products to {user}: {sku}, {sku}, {sku}",
        "model {word}-{n} scored {n} candidates in {ms} ms",
        "feature vector of {user} is stale by {n} s",
    ],
    calls: &[once(&SCORE), perhaps(0.5, &LIST_FEATURED)],
};

static SCORE: Operation = Operation {
    service: RECOMMENDATION,
    name: "score candidates",
    protocol: internal("recommender.model.score", "/app/recommender/model.py"),
    work_us: (500, 25_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static IMAGE: Operation = Operation {
    service: MEDIA,
    name: "GET /images/{name}",
    protocol: http("GET", "/images/{name}", "/images/{sku}-{n}.webp"),
    work_us: (200, 9_000),
    failure: Failure {
        probability: 0.003,
        in_incident: 0.003,
        exception: "",
        message: "open /var/media/{sku}.webp: no such file or directory",
    },
    messages: &["{ip} - - \"GET /images/{sku}.webp HTTP/2.0\" {status} {bytes}"],
    calls: &[],
};

static FIND: Operation = Operation {
    service: SEARCH,
    name: "GET /v1/find",
    protocol: http("GET", "/v1/find", "/v1/find?q={word}"),
    work_us: (700, 20_000),
    failure: SOUND,
    messages: &[
        "Query [{word} {word}] took {ms} ms, {n} hits of {n}",
        "Rewriting query [{word}] with synonyms {word}, {word}",
    ],
    calls: &[once(&QUERY_INDEX), perhaps(0.3, &RANK)],
};

static QUERY_INDEX: Operation = Operation {
    service: SEARCH,
    name: "search products",
    protocol: database(
        "elasticsearch",
        "products",
        "search",
        "{\"query\":{\"multi_match\":{\"query\":\"?\",\"fields\":[\"name^3\",\"description\"]}},\"size\":48}",
    ),
    work_us: (2_000, 90_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static RANK: Operation = Operation {
    service: SEARCH,
    name: "rank results",
    protocol: internal("shop.search.Ranker.rank", "Ranker.java"),
    work_us: (100, 9_000),
    failure: SOUND,
    messages: &["Ranked {n} candidates with model {word}"],
    calls: &[],
};

static STOCK: Operation = Operation {
    service: INVENTORY,
    name: "GET /api/stock/{sku}",
    protocol: http("GET", "/api/stock/{sku}", "/api/stock/{sku}"),
    work_us: (300, 5_000),
    failure: SLOW_LOCK,
    messages: &["Stock of {sku} is {n}", "HikariPool-1 - Pool stats (total=10, active={n}, idle=3, waiting=0)"],
    calls: &[once(&READ_STOCK)],
};

static READ_STOCK: Operation = Operation {
    service: INVENTORY,
    name: "SELECT stock.levels",
    protocol: database(
        "postgresql",
        "stock.levels",
        "SELECT",
        "SELECT s.warehouse, s.quantity, w.lead_days FROM stock.levels s JOIN stock.warehouses w ON w.id = s.warehouse WHERE s.sku = $1",
    ),
    work_us: (300, 12_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static RESERVE: Operation = Operation {
    service: INVENTORY,
    name: "POST /api/reservations",
    protocol: http("POST", "/api/reservations", "/api/reservations"),
    work_us: (600, 9_000),
    failure: SLOW_LOCK,
    messages: &["Reserved {n} of {sku} for {order}", "Waited {ms} ms for row lock on stock.levels (sku {sku})"],
    calls: &[once(&LOCK_STOCK)],
};

static LOCK_STOCK: Operation = Operation {
    service: INVENTORY,
    name: "UPDATE stock.levels",
    protocol: database(
        "postgresql",
        "stock.levels",
        "UPDATE",
        "UPDATE stock.levels SET quantity = quantity - $1, reserved = reserved + $1 WHERE sku = $2 AND warehouse = $3 AND quantity >= $1",
    ),
    work_us: (500, 20_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static CART_GET: Operation = Operation {
    service: CART,
    name: "shop.cart.v1.Cart/Get",
    protocol: Rpc { service: "shop.cart.v1.Cart", method: "Get" },
    work_us: (100, 1_500),
    failure: SOUND,
    messages: &["GetCartAsync called with userId={user}", "Cart of {user} has {n} items"],
    calls: &[once(&CART_READ)],
};

static CART_READ: Operation = Operation {
    service: CART,
    name: "HGETALL cart",
    protocol: database("redis", "cart", "HGETALL", "HGETALL cart:?"),
    work_us: (60, 1_500),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static CART_ADD: Operation = Operation {
    service: CART,
    name: "shop.cart.v1.Cart/Add",
    protocol: Rpc { service: "shop.cart.v1.Cart", method: "Add" },
    work_us: (100, 2_000),
    failure: Failure {
        probability: 0.005,
        in_incident: 0.02,
        exception: "StackExchange.Redis.RedisTimeoutException",
        message: "Timeout performing HMSET cart (5000ms), inst: {n}, qs: {n}, in: {bytes}",
    },
    messages: &["AddItemAsync called with userId={user}, productId={sku}, quantity={n}"],
    calls: &[once(&CART_WRITE)],
};

static CART_WRITE: Operation = Operation {
    service: CART,
    name: "HMSET cart",
    protocol: database("redis", "cart", "HMSET", "HMSET cart:? ? ?"),
    work_us: (60, 1_800),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static PLACE_ORDER: Operation = Operation {
    service: CHECKOUT,
    name: "shop.checkout.v1.Checkout/PlaceOrder",
    protocol: Rpc { service: "shop.checkout.v1.Checkout", method: "PlaceOrder" },
    work_us: (500, 7_000),
    failure: SOUND,
    messages: &[
        "placing order {order} of {user}",
        "order {order} confirmed, {n} items, total {amount} EUR",
        "order {order} handed to the queue at offset {n}",
    ],
    calls: &[
        once(&CART_GET),
        many(1, 25, &RESERVE),
        between(1, 4, &QUOTE_PRICE),
        once(&SHIPPING_QUOTE),
        once(&CHARGE),
        once(&INSERT_ORDER),
        once(&NOTIFY),
        once(&BOOK),
        once(&CHECK_FRAUD),
    ],
};

static INSERT_ORDER: Operation = Operation {
    service: CHECKOUT,
    name: "INSERT orders",
    protocol: database(
        "postgresql",
        "orders",
        "INSERT",
        "INSERT INTO orders (id, user_id, total_cents, currency, items, placed_at) VALUES ($1, $2, $3, $4, $5, now())",
    ),
    work_us: (500, 9_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static READ_ORDER: Operation = Operation {
    service: CHECKOUT,
    name: "shop.checkout.v1.Orders/Get",
    protocol: Rpc { service: "shop.checkout.v1.Orders", method: "Get" },
    work_us: (150, 2_000),
    failure: SOUND,
    messages: &["order {order} read by {user}"],
    calls: &[once(&SELECT_ORDER)],
};

static SELECT_ORDER: Operation = Operation {
    service: CHECKOUT,
    name: "SELECT orders",
    protocol: database(
        "postgresql",
        "orders",
        "SELECT",
        "SELECT id, total_cents, currency, items, placed_at, state FROM orders WHERE id = $1 AND user_id = $2",
    ),
    work_us: (200, 5_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static CHARGE: Operation = Operation {
    service: PAYMENT,
    name: "shop.payment.v1.Payments/Charge",
    protocol: Rpc { service: "shop.payment.v1.Payments", method: "Charge" },
    work_us: (2_000, 40_000),
    failure: Failure {
        probability: 0.03,
        in_incident: 0.3,
        exception: "shop.payment.CardDeclinedException",
        message: "card declined by issuer: insufficient funds (order {order})",
    },
    messages: &[
        "charged {amount} EUR for order {order}, transaction {uuid}",
        "authorisation {hex} for {order} took {ms} ms",
        "3-D Secure challenge of {user} completed",
    ],
    calls: &[once(&CALL_BANK), once(&INSERT_CHARGE)],
};

static CALL_BANK: Operation = Operation {
    service: PAYMENT,
    name: "authorise",
    protocol: internal("shop.payment.BankGateway.authorise", "BankGateway.java"),
    work_us: (20_000, 400_000),
    failure: SOUND,
    messages: &["acquirer answered {n} after {ms} ms, reference {hex}"],
    calls: &[],
};

static INSERT_CHARGE: Operation = Operation {
    service: PAYMENT,
    name: "INSERT payments.charges",
    protocol: database(
        "postgresql",
        "payments.charges",
        "INSERT",
        "INSERT INTO payments.charges (id, order_id, amount_cents, state) VALUES ($1, $2, $3, $4)",
    ),
    work_us: (500, 8_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static SHIPPING_QUOTE: Operation = Operation {
    service: SHIPPING,
    name: "POST /quote",
    protocol: http("POST", "/quote", "/quote"),
    work_us: (800, 15_000),
    failure: Failure {
        probability: 0.01,
        in_incident: 0.15,
        exception: "",
        message: "carrier rate limit reached, answering 503, retry in {n} ms",
    },
    messages: &["quote for zip {n}: {amount} EUR", "carrier {word} answered in {ms} ms"],
    calls: &[],
};

static NOTIFY: Operation = Operation {
    service: NOTIFICATION,
    name: "process notifications",
    protocol: Queue { topic: "notifications", group: "notification" },
    work_us: (1_000, 60_000),
    failure: Failure {
        probability: 0.002,
        in_incident: 0.002,
        exception: "smtplib.SMTPServerDisconnected",
        message: "Connection unexpectedly closed: timed out",
    },
    messages: &["mail {uuid} queued at relay {ip}", "template {word} rendered in {ms} ms"],
    calls: &[],
};

static BOOK: Operation = Operation {
    service: LEDGER,
    name: "process orders",
    protocol: Queue { topic: "orders", group: "ledger" },
    work_us: (500, 9_000),
    failure: SOUND,
    messages: &["Consumed order {order} from partition {n}", "Booked {amount} EUR for {order}"],
    calls: &[once(&INSERT_BOOKING)],
};

static INSERT_BOOKING: Operation = Operation {
    service: LEDGER,
    name: "INSERT ledger.bookings",
    protocol: database(
        "postgresql",
        "ledger.bookings",
        "INSERT",
        "INSERT INTO ledger.bookings (order_id, account, amount_cents) VALUES ($1, $2, $3), ($1, $4, -$3)",
    ),
    work_us: (400, 9_000),
    failure: SOUND,
    messages: &[],
    calls: &[],
};

static CHECK_FRAUD: Operation = Operation {
    service: FRAUD_DETECTION,
    name: "process orders",
    protocol: Queue { topic: "orders", group: "fraud-detection" },
    work_us: (800, 30_000),
    failure: SOUND,
    messages: &["order {order} scored {amount}, threshold 85.00", "{user} has {n} orders from {ip} in 24 h"],
    calls: &[],
};
