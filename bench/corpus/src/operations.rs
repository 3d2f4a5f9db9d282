//! Everything that the services do, and how often visitors ask for what.

use crate::operation::Protocol::{Database, Http, Internal, Queue, Rpc};
use crate::operation::{Failure, Operation, between, failure, many, once, perhaps};
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

const SLOW_LOCK: Failure = failure(
    0.001,
    0.09,
    "org.postgresql.util.PSQLException",
    "ERROR: could not obtain lock on row in relation \"stock_levels\" for sku {sku}",
);

pub static HOME: Operation = Operation::new(STOREFRONT, "GET /", http("GET", "/", "/"), (400, 6_000))
    .saying(&[
        "GET / {status} {bytes} bytes in {ms} ms",
        "rendered home page for {user} with {n} tiles",
        "feature flags evaluated: new_nav=true holiday_banner=false",
    ])
    .calling(&[
        once(&VALIDATE),
        once(&LIST_FEATURED),
        perhaps(0.7, &RECOMMEND),
        many(1, 60, &QUOTE_PRICE),
        between(0, 3, &IMAGE),
    ]);

pub static PRODUCT: Operation =
    Operation::new(STOREFRONT, "GET /products/{sku}", http("GET", "/products/{sku}", "/products/{sku}"), (500, 7_000))
        .saying(&[
            "GET /products/{sku} {status} {bytes} bytes in {ms} ms",
            "product page {sku} served to {user} from {ip}",
            "cache miss for fragment product:{sku}:{hex}",
        ])
        .calling(&[
            once(&VALIDATE),
            once(&GET_PRODUCT),
            once(&QUOTE_PRICE),
            once(&STOCK),
            perhaps(0.8, &RECOMMEND),
            between(1, 4, &IMAGE),
        ]);

pub static SEARCH_PAGE: Operation =
    Operation::new(STOREFRONT, "GET /search", http("GET", "/search", "/search?q={word}&page={n}"), (500, 5_000))
        .saying(&[
            "GET /search {status} {bytes} bytes in {ms} ms",
            "search for \"{word} {word}\" returned {n} results to {user}",
        ])
        .calling(&[perhaps(0.5, &VALIDATE), once(&FIND), many(3, 48, &GET_PRODUCT), once(&QUOTE_PRICE)]);

pub static ADD_TO_CART: Operation =
    Operation::new(STOREFRONT, "POST /cart/items", http("POST", "/cart/items", "/cart/items"), (300, 3_000))
        .saying(&["POST /cart/items {status} {bytes} bytes in {ms} ms", "{user} put {n} of {sku} into the cart"])
        .calling(&[once(&VALIDATE), once(&GET_PRODUCT), once(&STOCK), once(&CART_ADD), perhaps(0.3, &RECOMMEND)]);

pub static CHECK_OUT: Operation =
    Operation::new(STOREFRONT, "POST /checkout", http("POST", "/checkout", "/checkout"), (600, 6_000))
        .saying(&["POST /checkout {status} {bytes} bytes in {ms} ms", "checkout of {user} finished, order {order}"])
        .calling(&[once(&VALIDATE), once(&CART_GET), once(&PLACE_ORDER)]);

pub static ORDER_PAGE: Operation =
    Operation::new(STOREFRONT, "GET /orders/{id}", http("GET", "/orders/{id}", "/orders/{order}"), (300, 3_000))
        .saying(&["GET /orders/{order} {status} {bytes} bytes in {ms} ms", "order history of {user} has {n} entries"])
        .calling(&[once(&VALIDATE), once(&READ_ORDER), between(1, 5, &GET_PRODUCT)]);

pub static HEALTH: Operation =
    Operation::new(STOREFRONT, "GET /healthz", http("GET", "/healthz", "/healthz"), (30, 300))
        .saying(&["GET /healthz 200 2 bytes in 0 ms"]);

pub static RECONCILE: Operation = Operation::new(
    WAREHOUSE_SYNC,
    "reconcile stock",
    internal("sync.reconcile.run", "/app/sync/reconcile.py"),
    (2_000, 90_000),
)
.saying(&["reconciliation run {uuid} started for warehouse {word}", "reconciliation run {uuid} done: {n} corrections"])
.calling(&[many(150, 9_000, &RECONCILE_ITEM)]);

static RECONCILE_ITEM: Operation = Operation::new(
    WAREHOUSE_SYNC,
    "reconcile item",
    internal("sync.reconcile.item", "/app/sync/reconcile.py"),
    (20, 900),
)
.saying(&["sku {sku}: counted {n}, booked {n}"])
.calling(&[once(&READ_STOCK), perhaps(0.04, &STOCK)]);

pub static REINDEX: Operation = Operation::new(
    SEARCH,
    "reindex products",
    internal("shop.search.Reindexer.run", "Reindexer.java"),
    (2_000, 60_000),
)
.saying(&["Reindexing batch {hex} with {n} documents", "Segment merge of index products-{n} finished in {ms} ms"])
.calling(&[many(40, 3_000, &INDEX_DOCUMENT)]);

static INDEX_DOCUMENT: Operation = Operation::new(
    SEARCH,
    "index products",
    database("elasticsearch", "products", "index", "PUT /products/_doc/?"),
    (300, 4_000),
);

static VALIDATE: Operation = Operation::new(
    IDENTITY,
    "shop.identity.v1.Sessions/Validate",
    Rpc { service: "shop.identity.v1.Sessions", method: "Validate" },
    (80, 900),
)
.failing(failure(0.004, 0.004, "", "session {hex} has expired"))
.saying(&["session validated user={user} age_s={n}", "token {hex} accepted for {user} from {ip}"])
.calling(&[once(&READ_SESSION)]);

static READ_SESSION: Operation =
    Operation::new(IDENTITY, "GET session", database("redis", "session", "GET", "GET session:?"), (60, 900));

static LIST_FEATURED: Operation = Operation::new(
    CATALOG,
    "shop.catalog.v1.Products/ListFeatured",
    Rpc { service: "shop.catalog.v1.Products", method: "ListFeatured" },
    (200, 2_500),
)
.saying(&["listed {n} featured products", "featured list is {n} s old, refreshing"])
.calling(&[once(&SELECT_FEATURED)]);

static SELECT_FEATURED: Operation = Operation::new(CATALOG, "SELECT catalog.products", database(
        "postgresql",
        "catalog.products",
        "SELECT",
        "SELECT p.sku, p.name, p.price_cents, p.currency FROM catalog.products p WHERE p.featured ORDER BY p.rank LIMIT $1",
    ), (300, 9_000)).saying(&["slow statement ({ms} ms): SELECT p.sku, p.name FROM catalog.products WHERE featured"]);

static GET_PRODUCT: Operation = Operation::new(
    CATALOG,
    "shop.catalog.v1.Products/Get",
    Rpc { service: "shop.catalog.v1.Products", method: "Get" },
    (90, 1_200),
)
.failing(failure(0.002, 0.002, "", "product {sku} not found"))
.saying(&["product found sku={sku}", "product {sku} read from cache, age {n} s"])
.calling(&[perhaps(0.75, &READ_PRODUCT), perhaps(0.35, &SELECT_PRODUCT)]);

static READ_PRODUCT: Operation =
    Operation::new(CATALOG, "GET product", database("redis", "product", "GET", "GET product:?"), (50, 700));

static SELECT_PRODUCT: Operation = Operation::new(
    CATALOG,
    "SELECT catalog.products",
    database(
        "postgresql",
        "catalog.products",
        "SELECT",
        "SELECT sku, name, description, price_cents, currency, picture, categories FROM catalog.products WHERE sku = $1",
    ),
    (200, 4_000),
);

static QUOTE_PRICE: Operation = Operation::new(
    PRICING,
    "shop.pricing.v1.Quotes/Quote",
    Rpc { service: "shop.pricing.v1.Quotes", method: "Quote" },
    (40, 600),
)
.saying(&["quoted sku={sku} cents={n} campaign={word}", "rule engine took {ms} ms for {n} rules"])
.calling(&[perhaps(0.15, &EVALUATE_RULES)]);

static EVALUATE_RULES: Operation =
    Operation::new(PRICING, "evaluate rules", internal("pricing::rules::evaluate", "src/rules.rs"), (20, 2_000))
        .saying(&["{n} rules matched for segment {word}"]);

static RECOMMEND: Operation = Operation::new(
    RECOMMENDATION,
    "shop.recommendation.v2.Recommendations/List",
    Rpc { service: "shop.recommendation.v2.Recommendations", method: "List" },
    (900, 30_000),
)
.failing(failure(
    0.006,
    0.006,
    "grpc._channel._InactiveRpcError",
    "model server timeout after {ms} ms (deadline exceeded)",
))
.saying(&[
    "recommending {n} products to {user}: {sku}, {sku}, {sku}",
    "model {word}-{n} scored {n} candidates in {ms} ms",
    "feature vector of {user} is stale by {n} s",
])
.calling(&[once(&SCORE), perhaps(0.5, &LIST_FEATURED)]);

static SCORE: Operation = Operation::new(
    RECOMMENDATION,
    "score candidates",
    internal("recommender.model.score", "/app/recommender/model.py"),
    (500, 25_000),
);

static IMAGE: Operation =
    Operation::new(MEDIA, "GET /images/{name}", http("GET", "/images/{name}", "/images/{sku}-{n}.webp"), (200, 9_000))
        .failing(failure(0.003, 0.003, "", "open /var/media/{sku}.webp: no such file or directory"))
        .saying(&["{ip} - - \"GET /images/{sku}.webp HTTP/2.0\" {status} {bytes}"]);

static FIND: Operation =
    Operation::new(SEARCH, "GET /v1/find", http("GET", "/v1/find", "/v1/find?q={word}"), (700, 20_000))
        .saying(&[
            "Query [{word} {word}] took {ms} ms, {n} hits of {n}",
            "Rewriting query [{word}] with synonyms {word}, {word}",
        ])
        .calling(&[once(&QUERY_INDEX), perhaps(0.3, &RANK)]);

static QUERY_INDEX: Operation = Operation::new(
    SEARCH,
    "search products",
    database(
        "elasticsearch",
        "products",
        "search",
        "{\"query\":{\"multi_match\":{\"query\":\"?\",\"fields\":[\"name^3\",\"description\"]}},\"size\":48}",
    ),
    (2_000, 90_000),
);

static RANK: Operation =
    Operation::new(SEARCH, "rank results", internal("shop.search.Ranker.rank", "Ranker.java"), (100, 9_000))
        .saying(&["Ranked {n} candidates with model {word}"]);

static STOCK: Operation = Operation::new(
    INVENTORY,
    "GET /api/stock/{sku}",
    http("GET", "/api/stock/{sku}", "/api/stock/{sku}"),
    (300, 5_000),
)
.failing(SLOW_LOCK)
.saying(&["Stock of {sku} is {n}", "HikariPool-1 - Pool stats (total=10, active={n}, idle=3, waiting=0)"])
.calling(&[once(&READ_STOCK)]);

static READ_STOCK: Operation = Operation::new(
    INVENTORY,
    "SELECT stock.levels",
    database(
        "postgresql",
        "stock.levels",
        "SELECT",
        "SELECT s.warehouse, s.quantity, w.lead_days FROM stock.levels s JOIN stock.warehouses w ON w.id = s.warehouse WHERE s.sku = $1",
    ),
    (300, 12_000),
);

static RESERVE: Operation = Operation::new(
    INVENTORY,
    "POST /api/reservations",
    http("POST", "/api/reservations", "/api/reservations"),
    (600, 9_000),
)
.failing(SLOW_LOCK)
.saying(&["Reserved {n} of {sku} for {order}", "Waited {ms} ms for row lock on stock.levels (sku {sku})"])
.calling(&[once(&LOCK_STOCK)]);

static LOCK_STOCK: Operation = Operation::new(
    INVENTORY,
    "UPDATE stock.levels",
    database(
        "postgresql",
        "stock.levels",
        "UPDATE",
        "UPDATE stock.levels SET quantity = quantity - $1, reserved = reserved + $1 WHERE sku = $2 AND warehouse = $3 AND quantity >= $1",
    ),
    (500, 20_000),
);

static CART_GET: Operation =
    Operation::new(CART, "shop.cart.v1.Cart/Get", Rpc { service: "shop.cart.v1.Cart", method: "Get" }, (100, 1_500))
        .saying(&["GetCartAsync called with userId={user}", "Cart of {user} has {n} items"])
        .calling(&[once(&CART_READ)]);

static CART_READ: Operation =
    Operation::new(CART, "HGETALL cart", database("redis", "cart", "HGETALL", "HGETALL cart:?"), (60, 1_500));

static CART_ADD: Operation =
    Operation::new(CART, "shop.cart.v1.Cart/Add", Rpc { service: "shop.cart.v1.Cart", method: "Add" }, (100, 2_000))
        .failing(failure(
            0.005,
            0.02,
            "StackExchange.Redis.RedisTimeoutException",
            "Timeout performing HMSET cart (5000ms), inst: {n}, qs: {n}, in: {bytes}",
        ))
        .saying(&["AddItemAsync called with userId={user}, productId={sku}, quantity={n}"])
        .calling(&[once(&CART_WRITE)]);

static CART_WRITE: Operation =
    Operation::new(CART, "HMSET cart", database("redis", "cart", "HMSET", "HMSET cart:? ? ?"), (60, 1_800));

static PLACE_ORDER: Operation = Operation::new(
    CHECKOUT,
    "shop.checkout.v1.Checkout/PlaceOrder",
    Rpc { service: "shop.checkout.v1.Checkout", method: "PlaceOrder" },
    (500, 7_000),
)
.saying(&[
    "placing order {order} of {user}",
    "order {order} confirmed, {n} items, total {amount} EUR",
    "order {order} handed to the queue at offset {n}",
])
.calling(&[
    once(&CART_GET),
    many(1, 25, &RESERVE),
    between(1, 4, &QUOTE_PRICE),
    once(&SHIPPING_QUOTE),
    once(&CHARGE),
    once(&INSERT_ORDER),
    once(&NOTIFY),
    once(&BOOK),
    once(&CHECK_FRAUD),
]);

static INSERT_ORDER: Operation = Operation::new(
    CHECKOUT,
    "INSERT orders",
    database(
        "postgresql",
        "orders",
        "INSERT",
        "INSERT INTO orders (id, user_id, total_cents, currency, items, placed_at) VALUES ($1, $2, $3, $4, $5, now())",
    ),
    (500, 9_000),
);

static READ_ORDER: Operation = Operation::new(
    CHECKOUT,
    "shop.checkout.v1.Orders/Get",
    Rpc { service: "shop.checkout.v1.Orders", method: "Get" },
    (150, 2_000),
)
.saying(&["order {order} read by {user}"])
.calling(&[once(&SELECT_ORDER)]);

static SELECT_ORDER: Operation = Operation::new(
    CHECKOUT,
    "SELECT orders",
    database(
        "postgresql",
        "orders",
        "SELECT",
        "SELECT id, total_cents, currency, items, placed_at, state FROM orders WHERE id = $1 AND user_id = $2",
    ),
    (200, 5_000),
);

static CHARGE: Operation = Operation::new(
    PAYMENT,
    "shop.payment.v1.Payments/Charge",
    Rpc { service: "shop.payment.v1.Payments", method: "Charge" },
    (2_000, 40_000),
)
.failing(failure(
    0.03,
    0.3,
    "shop.payment.CardDeclinedException",
    "card declined by issuer: insufficient funds (order {order})",
))
.saying(&[
    "charged {amount} EUR for order {order}, transaction {uuid}",
    "authorisation {hex} for {order} took {ms} ms",
    "3-D Secure challenge of {user} completed",
])
.calling(&[once(&CALL_BANK), once(&INSERT_CHARGE)]);

static CALL_BANK: Operation = Operation::new(
    PAYMENT,
    "authorise",
    internal("shop.payment.BankGateway.authorise", "BankGateway.java"),
    (20_000, 400_000),
)
.saying(&["acquirer answered {n} after {ms} ms, reference {hex}"]);

static INSERT_CHARGE: Operation = Operation::new(
    PAYMENT,
    "INSERT payments.charges",
    database(
        "postgresql",
        "payments.charges",
        "INSERT",
        "INSERT INTO payments.charges (id, order_id, amount_cents, state) VALUES ($1, $2, $3, $4)",
    ),
    (500, 8_000),
);

static SHIPPING_QUOTE: Operation =
    Operation::new(SHIPPING, "POST /quote", http("POST", "/quote", "/quote"), (800, 15_000))
        .failing(failure(0.01, 0.15, "", "carrier rate limit reached, answering 503, retry in {n} ms"))
        .saying(&["quote for zip {n}: {amount} EUR", "carrier {word} answered in {ms} ms"]);

static NOTIFY: Operation = Operation::new(
    NOTIFICATION,
    "process notifications",
    Queue { topic: "notifications", group: "notification" },
    (1_000, 60_000),
)
.failing(failure(0.002, 0.002, "smtplib.SMTPServerDisconnected", "Connection unexpectedly closed: timed out"))
.saying(&["mail {uuid} queued at relay {ip}", "template {word} rendered in {ms} ms"]);

static BOOK: Operation =
    Operation::new(LEDGER, "process orders", Queue { topic: "orders", group: "ledger" }, (500, 9_000))
        .saying(&["Consumed order {order} from partition {n}", "Booked {amount} EUR for {order}"])
        .calling(&[once(&INSERT_BOOKING)]);

static INSERT_BOOKING: Operation = Operation::new(
    LEDGER,
    "INSERT ledger.bookings",
    database(
        "postgresql",
        "ledger.bookings",
        "INSERT",
        "INSERT INTO ledger.bookings (order_id, account, amount_cents) VALUES ($1, $2, $3), ($1, $4, -$3)",
    ),
    (400, 9_000),
);

static CHECK_FRAUD: Operation = Operation::new(
    FRAUD_DETECTION,
    "process orders",
    Queue { topic: "orders", group: "fraud-detection" },
    (800, 30_000),
)
.saying(&["order {order} scored {amount}, threshold 85.00", "{user} has {n} orders from {ip} in 24 h"]);
