//! What happens when somebody visits the shop.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::{Span, Status, status::StatusCode};
use rand::Rng;
use rand::rngs::StdRng;

use crate::Telemetry;
use crate::recorder::{boolean, double, int, text};
use crate::services::{Instances, Service};

const PRODUCTS: [(&str, &str); 10] = [
    ("OLJCESPC7Z", "Vintage Typewriter"),
    ("66VCHSJNUP", "Antique Camera"),
    ("1YMWWN1N4O", "Home Barista Kit"),
    ("L9ECAV7KIM", "Terrarium"),
    ("2ZYFJ3GM2N", "Film Camera"),
    ("0PUK6V6EV0", "Vintage Record Player"),
    ("LS4PSXUNUM", "Metal Camping Mug"),
    ("9SIQT8TOJO", "City Bike"),
    ("6E92ZMYYFZ", "Air Plant"),
    ("HQTGWGPNH4", "Lucky Coin"),
];

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
];

/// A span that is being recorded.
#[derive(Clone, Copy)]
struct Open(usize);

/// How a call ended.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Ok,
    Failed,
}

/// One visit: a trace in the making and a clock.
pub struct Visit<'a> {
    rng: &'a mut StdRng,
    trouble: bool,
    user: u64,
    trace_id: Vec<u8>,
    now: u64,
    telemetry: Telemetry,
}

impl<'a> Visit<'a> {
    pub fn new(rng: &'a mut StdRng, instances: &[Instances], trouble: bool, user: u64, start: u64) -> Visit<'a> {
        let pods = instances.iter().map(|instances| rng.random_range(0..instances.resources.len())).collect();
        let trace_id = rng.random::<[u8; 16]>().to_vec();
        Visit { rng, trouble, user, trace_id, now: start, telemetry: Telemetry { pods, ..Telemetry::default() } }
    }

    pub fn finish(self) -> Telemetry {
        self.telemetry
    }

    pub fn browse_home(&mut self) {
        let root = self.request("GET", "/", "/");
        self.currency(root, "GetSupportedCurrencies");
        self.catalog(root, "ListProducts", None);
        self.cart(root, "GetCart");
        self.ad(root);
        self.respond(root, Outcome::Ok);
    }

    pub fn view_product(&mut self) {
        let product = self.rng.random_range(0..PRODUCTS.len());
        let root = self.request("GET", "/product/{id}", &format!("/product/{}", PRODUCTS[product].0));
        let found = self.catalog(root, "GetProduct", Some(product));
        self.currency(root, "Convert");
        let recommended = self.recommendations(root);
        for product in recommended {
            self.catalog(root, "GetProduct", Some(product));
        }
        self.ad(root);
        self.inventory(root, product);
        self.respond(root, found);
    }

    pub fn add_to_cart(&mut self) {
        let product = self.rng.random_range(0..PRODUCTS.len());
        let root = self.request("POST", "/cart", "/cart");
        self.catalog(root, "GetProduct", Some(product));
        let outcome = self.cart(root, "AddItem");
        self.respond(root, outcome);
    }

    pub fn search(&mut self) {
        let root = self.request("GET", "/search", "/search?q=camera");
        self.catalog(root, "SearchProducts", None);
        self.respond(root, Outcome::Ok);
    }

    pub fn health_check(&mut self) {
        let root = self.request("GET", "/healthz", "/healthz");
        self.respond(root, Outcome::Ok);
    }

    pub fn place_order(&mut self, order: u64) {
        let root = self.request("POST", "/checkout", "/checkout");
        let client = self.rpc_client(Service::Frontend, root, "shop.CheckoutService", "PlaceOrder");
        let server = self.rpc_server(Service::Checkout, client, "shop.CheckoutService", "PlaceOrder");
        self.tag(server, text("app.order.id", &format!("order-{order}")));
        self.tag(server, text("user.id", &format!("user-{:06}", self.user)));
        self.log(
            Service::Checkout,
            server,
            9,
            &format!("[PlaceOrder] user_id=\"user-{:06}\" user_currency=\"EUR\"", self.user),
        );
        self.cart(server, "GetCart");
        let items = self.rng.random_range(1..=5);
        let mut outcome = Outcome::Ok;
        for _ in 0..items {
            let product = self.rng.random_range(0..PRODUCTS.len());
            self.catalog(server, "GetProduct", Some(product));
            if self.inventory(server, product) == Outcome::Failed {
                outcome = Outcome::Failed;
            }
            self.currency(server, "Convert");
        }
        self.tag(server, int("app.order.items.count", items));
        self.shipping(server, "get-quote");
        if outcome == Outcome::Ok {
            outcome = self.pay(server, order);
        }
        if outcome == Outcome::Ok {
            self.shipping(server, "ship-order");
            self.cart(server, "EmptyCart");
            self.email(server, order);
            self.publish(server, order);
            self.log(
                Service::Checkout,
                server,
                9,
                &format!("order confirmation sent, order_id=order-{order} items={items}"),
            );
        } else {
            self.log(
                Service::Checkout,
                server,
                17,
                &format!("failed to place order order-{order}: could not charge card or reserve items"),
            );
        }
        self.end(server, outcome, "could not place order");
        self.end(client, outcome, "13 INTERNAL: could not place order");
        self.respond(root, outcome);
    }

    fn pay(&mut self, parent: Open, order: u64) -> Outcome {
        let client = self.rpc_client(Service::Checkout, parent, "shop.PaymentService", "Charge");
        let server = self.rpc_server(Service::Payment, client, "shop.PaymentService", "Charge");
        let amount = (self.rng.random_range(500..90_000) as f64) / 100.0;
        let brand = ["visa", "mastercard", "amex"][self.rng.random_range(0..3)];
        self.tag(server, double("app.payment.amount", amount));
        self.tag(server, text("app.payment.card_type", brand));
        let charge = self.begin(Service::Payment, Some(server), SpanKind::Internal, "charge card");
        self.work(8_000_000, 60_000_000);
        let declined = self.rng.random_bool(if self.trouble { 0.45 } else { 0.03 });
        let outcome = if declined { Outcome::Failed } else { Outcome::Ok };
        if declined {
            let message = format!("Credit card declined by {brand}: insufficient funds");
            self.exception(charge, "CardDeclinedError", &message, NODE_STACK);
            self.log(Service::Payment, charge, 17, &format!("{{\"level\":\"error\",\"msg\":\"charge failed\",\"order\":\"order-{order}\",\"reason\":\"{message}\",\"retryable\":false}}"));
        } else {
            let transaction: u128 = self.rng.random();
            self.log(Service::Payment, charge, 9, &format!("{{\"level\":\"info\",\"msg\":\"transaction processed\",\"transaction_id\":\"{transaction:032x}\",\"card_type\":\"{brand}\",\"amount\":{amount},\"currency\":\"EUR\"}}"));
        }
        self.end(charge, outcome, "card declined");
        self.end(server, outcome, "card declined");
        self.end(client, outcome, "2 UNKNOWN: card declined");
        outcome
    }

    /// A quote may need a second and a third attempt.
    fn shipping(&mut self, parent: Open, what: &str) {
        let route = format!("/{what}");
        for attempt in 0..3 {
            let client = self.http_client(Service::Checkout, parent, "POST", "shipping", &route);
            if attempt > 0 {
                self.tag(client, int("http.request.resend_count", attempt));
            }
            let server = self.http_server(Service::Shipping, client, "POST", &route, &route);
            self.work(2_000_000, 14_000_000);
            let busy = attempt < 2 && self.rng.random_bool(if self.trouble { 0.3 } else { 0.02 });
            let outcome = if busy { Outcome::Failed } else { Outcome::Ok };
            let status = if busy { 503 } else { 200 };
            self.tag(server, int("http.response.status_code", status));
            self.tag(client, int("http.response.status_code", status));
            if busy {
                self.log(Service::Shipping, server, 13, "carrier rate limit reached, answering 503, retry in 20ms");
            } else {
                self.log(Service::Shipping, server, 9, &format!("{what}: zip code accepted, cost 8.99 EUR"));
            }
            self.end(server, outcome, "carrier unavailable");
            self.end(client, outcome, "503 Service Unavailable");
            if !busy {
                return;
            }
            self.now += 20_000_000 << attempt;
        }
    }

    fn email(&mut self, parent: Open, order: u64) {
        let client = self.http_client(Service::Checkout, parent, "POST", "email", "/send_order_confirmation");
        let server =
            self.http_server(Service::Email, client, "POST", "/send_order_confirmation", "/send_order_confirmation");
        self.work(3_000_000, 20_000_000);
        self.log(
            Service::Email,
            server,
            9,
            &format!("Order confirmation email sent to: user-{:06}@example.com for order-{order}", self.user),
        );
        self.tag(server, int("http.response.status_code", 200));
        self.end(server, Outcome::Ok, "");
        self.end(client, Outcome::Ok, "");
    }

    /// The order goes to a queue, from which two services take it some time later.
    fn publish(&mut self, parent: Open, order: u64) {
        let producer = self.begin(Service::Checkout, Some(parent), SpanKind::Producer, "send orders");
        let offset = i64::try_from(order).unwrap_or_default();
        self.tags(
            producer,
            [
                text("messaging.system", "kafka"),
                text("messaging.destination.name", "orders"),
                text("messaging.operation.type", "send"),
                int("messaging.kafka.offset", offset),
            ],
        );
        self.work(500_000, 4_000_000);
        self.end(producer, Outcome::Ok, "");
        let sent = self.now;
        for (service, name) in [(Service::FraudDetection, "fraud-detection"), (Service::Accounting, "accounting")] {
            self.now = sent + self.rng.random_range(2_000_000..400_000_000);
            let consumer = self.begin(service, Some(producer), SpanKind::Consumer, "process orders");
            self.tags(
                consumer,
                [
                    text("messaging.system", "kafka"),
                    text("messaging.destination.name", "orders"),
                    text("messaging.operation.type", "process"),
                    text("messaging.consumer.group.name", name),
                    int("messaging.kafka.offset", offset),
                ],
            );
            let (trace_id, span_id) = (self.trace_id.clone(), self.telemetry.spans[producer.0].1.span_id.clone());
            self.telemetry.spans[consumer.0].1.links.push(Link { trace_id, span_id, ..Link::default() });
            if service == Service::Accounting {
                self.database(
                    service,
                    consumer,
                    "postgresql",
                    "INSERT accounting.orders",
                    "INSERT INTO accounting.orders (order_id, user_id, total) VALUES ($1, $2, $3)",
                );
            } else {
                self.work(1_000_000, 9_000_000);
            }
            self.log(
                service,
                consumer,
                9,
                &format!("Consumed record with orderId: order-{order}, and updated total count"),
            );
            self.end(consumer, Outcome::Ok, "");
        }
        self.now = sent;
    }

    fn currency(&mut self, parent: Open, method: &str) {
        let caller = self.service_of(parent);
        let client = self.rpc_client(caller, parent, "shop.CurrencyService", method);
        let server = self.rpc_server(Service::Currency, client, "shop.CurrencyService", method);
        self.work(200_000, 2_000_000);
        if self.rng.random_bool(0.2) {
            self.log(Service::Currency, server, 9, &format!("{method} request successful"));
        }
        self.end(server, Outcome::Ok, "");
        self.end(client, Outcome::Ok, "");
    }

    fn catalog(&mut self, parent: Open, method: &str, product: Option<usize>) -> Outcome {
        let caller = self.service_of(parent);
        let client = self.rpc_client(caller, parent, "shop.ProductCatalogService", method);
        let server = self.rpc_server(Service::ProductCatalog, client, "shop.ProductCatalogService", method);
        let mut outcome = Outcome::Ok;
        match product {
            Some(product) => {
                let (id, name) = PRODUCTS[product];
                self.tag(server, text("app.product.id", id));
                self.database(
                    Service::ProductCatalog,
                    server,
                    "postgresql",
                    "SELECT catalog.products",
                    "SELECT id, name, price FROM catalog.products WHERE id = $1",
                );
                if id == "OLJCESPC7Z" && self.rng.random_bool(0.03) {
                    outcome = Outcome::Failed;
                    self.log(
                        Service::ProductCatalog,
                        server,
                        17,
                        &format!("failed to get product: product {id} is locked for update"),
                    );
                } else if self.rng.random_bool(0.5) {
                    self.log(Service::ProductCatalog, server, 9, &format!("Product Found - ID: {id}, Name: {name}"));
                }
            }
            None => {
                self.database(
                    Service::ProductCatalog,
                    server,
                    "postgresql",
                    "SELECT catalog.products",
                    "SELECT id, name, price FROM catalog.products ORDER BY name LIMIT 100",
                );
                self.tag(server, int("app.products.count", PRODUCTS.len() as i64));
            }
        }
        self.end(server, outcome, "product is locked");
        self.end(client, outcome, "14 UNAVAILABLE: product is locked");
        outcome
    }

    fn cart(&mut self, parent: Open, method: &str) -> Outcome {
        let caller = self.service_of(parent);
        let client = self.rpc_client(caller, parent, "shop.CartService", method);
        let server = self.rpc_server(Service::Cart, client, "shop.CartService", method);
        self.tag(server, text("user.id", &format!("user-{:06}", self.user)));
        let command = if method == "GetCart" { "HGET" } else { "HMSET" };
        self.database(Service::Cart, server, "redis", command, &format!("{command} user-{:06} cart", self.user));
        let outcome = if self.rng.random_bool(0.004) { Outcome::Failed } else { Outcome::Ok };
        if outcome == Outcome::Failed {
            let message = "Can't access cart storage. StackExchange.Redis.RedisTimeoutException: Timeout performing HMSET (5000ms)";
            self.exception(server, "Grpc.Core.RpcException", message, DOTNET_STACK);
            self.log(Service::Cart, server, 17, message);
        } else {
            self.log(Service::Cart, server, 9, &format!("{method}Async called with userId=user-{:06}", self.user));
        }
        self.end(server, outcome, "cart storage timed out");
        self.end(client, outcome, "4 DEADLINE_EXCEEDED");
        outcome
    }

    fn recommendations(&mut self, parent: Open) -> Vec<usize> {
        let client = self.rpc_client(Service::Frontend, parent, "shop.RecommendationService", "ListRecommendations");
        let server =
            self.rpc_server(Service::Recommendation, client, "shop.RecommendationService", "ListRecommendations");
        self.catalog(server, "ListProducts", None);
        let cached = self.rng.random_bool(0.7);
        self.tag(server, boolean("app.cache_hit", cached));
        self.work(1_000_000, if cached { 3_000_000 } else { 30_000_000 });
        let picks: Vec<usize> =
            (0..self.rng.random_range(2..5)).map(|_| self.rng.random_range(0..PRODUCTS.len())).collect();
        let ids: Vec<&str> = picks.iter().map(|&pick| PRODUCTS[pick].0).collect();
        self.log(Service::Recommendation, server, 9, &format!("Receive ListRecommendations for product ids:{ids:?}"));
        self.end(server, Outcome::Ok, "");
        self.end(client, Outcome::Ok, "");
        picks
    }

    fn ad(&mut self, parent: Open) {
        let client = self.rpc_client(Service::Frontend, parent, "shop.AdService", "GetAds");
        let server = self.rpc_server(Service::Ad, client, "shop.AdService", "GetAds");
        self.work(500_000, 5_000_000);
        let failed = self.rng.random_bool(0.01);
        let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
        if failed {
            self.exception(
                server,
                "io.grpc.StatusRuntimeException",
                "RESOURCE_EXHAUSTED: ad budget used up",
                JAVA_STACK,
            );
            self.log(
                Service::Ad,
                server,
                13,
                "GetAds failed with status Status{code=RESOURCE_EXHAUSTED, description=ad budget used up, cause=null}",
            );
        } else if self.rng.random_bool(0.3) {
            self.log(Service::Ad, server, 9, "Targeted ad request received for [camera, photography]");
        }
        self.end(server, outcome, "ad budget used up");
        self.end(client, outcome, "8 RESOURCE_EXHAUSTED");
    }

    /// The slow dependency.
    fn inventory(&mut self, parent: Open, product: usize) -> Outcome {
        let caller = self.service_of(parent);
        let (id, _) = PRODUCTS[product];
        let path = format!("/api/stock/{id}");
        let client = self.http_client(caller, parent, "GET", "inventory", &path);
        let server = self.http_server(Service::Inventory, client, "GET", "/api/stock/{id}", &path);
        self.tag(server, text("app.product.id", id));
        let query = self.begin(Service::Inventory, Some(server), SpanKind::Client, "SELECT stock.levels");
        self.tags(query, database_attributes("postgresql", "SELECT stock.levels", "SELECT s.warehouse, s.quantity FROM stock.levels s JOIN stock.warehouses w ON w.id = s.warehouse WHERE s.product_id = $1 FOR UPDATE"));
        if self.trouble && self.rng.random_bool(0.6) {
            self.work(300_000_000, 1_800_000_000);
            self.log(
                Service::Inventory,
                server,
                13,
                &format!("slow query: waited for row lock on stock.levels (product {id})"),
            );
        } else {
            self.work(1_000_000, 25_000_000);
        }
        self.end(query, Outcome::Ok, "");
        let failed = self.rng.random_bool(if self.trouble { 0.08 } else { 0.002 });
        let outcome = if failed { Outcome::Failed } else { Outcome::Ok };
        let status = if failed { 500 } else { 200 };
        if failed {
            let message = "could not obtain lock on row in relation \"levels\"";
            self.exception(server, "org.postgresql.util.PSQLException", message, JAVA_STACK);
            self.log(
                Service::Inventory,
                server,
                17,
                &format!(
                    "Unhandled exception for GET {path}\norg.postgresql.util.PSQLException: {message}\n{JAVA_STACK}"
                ),
            );
        }
        self.tag(server, int("http.response.status_code", status));
        self.tag(client, int("http.response.status_code", status));
        self.end(server, outcome, "Internal Server Error");
        self.end(client, outcome, "500 Internal Server Error");
        outcome
    }

    fn database(&mut self, service: Service, parent: Open, system: &str, name: &str, query: &str) {
        let span = self.begin(service, Some(parent), SpanKind::Client, name);
        self.tags(span, database_attributes(system, name, query));
        self.work(150_000, 3_000_000);
        self.end(span, Outcome::Ok, "");
    }

    fn request(&mut self, method: &str, route: &str, path: &str) -> Open {
        let root = self.begin(Service::Frontend, None, SpanKind::Server, &format!("{method} {route}"));
        let agent = AGENTS[self.rng.random_range(0..AGENTS.len())];
        let client = format!("203.0.{}.{}", self.rng.random_range(112..120), self.rng.random_range(1..255));
        let port = self.rng.random_range(32_768..61_000);
        let session: u64 = self.rng.random();
        self.tags(
            root,
            [
                text("http.request.method", method),
                text("http.route", route),
                text("url.path", path),
                text("url.scheme", "https"),
                text("server.address", "shop.example.com"),
                text("user_agent.original", agent),
                text("client.address", &client),
                int("network.peer.port", port),
                text("network.protocol.version", "2"),
                text("user.id", &format!("user-{:06}", self.user)),
                text("session.id", &format!("{session:016x}")),
            ],
        );
        self.work(200_000, 2_000_000);
        root
    }

    fn respond(&mut self, root: Open, outcome: Outcome) {
        self.work(200_000, 3_000_000);
        let status = if outcome == Outcome::Ok { 200 } else { 500 };
        let bytes = self.rng.random_range(200..60_000);
        self.tags(root, [int("http.response.status_code", status), int("http.response.body.size", bytes)]);
        let name = self.telemetry.spans[root.0].1.name.clone();
        let elapsed = (self.now - self.telemetry.spans[root.0].1.start_time_unix_nano) / 1_000_000;
        let severity = if outcome == Outcome::Ok { 9 } else { 17 };
        self.log(Service::Frontend, root, severity, &format!("{name} {status} {bytes} - {elapsed} ms"));
        self.end(root, outcome, "");
    }

    fn rpc_client(&mut self, service: Service, parent: Open, rpc_service: &str, method: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Client, &format!("{rpc_service}/{method}"));
        let name = rpc_service.trim_start_matches("shop.").trim_end_matches("Service").to_lowercase();
        self.tags(
            span,
            [
                text("rpc.system", "grpc"),
                text("rpc.service", rpc_service),
                text("rpc.method", method),
                text("server.address", &name),
                int("server.port", 8080),
            ],
        );
        self.work(50_000, 600_000);
        span
    }

    fn rpc_server(&mut self, service: Service, parent: Open, rpc_service: &str, method: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Server, &format!("{rpc_service}/{method}"));
        let port = self.rng.random_range(32_768..61_000);
        let peer = format!("10.42.{}.{}", self.rng.random_range(0..4), self.rng.random_range(2..40));
        self.tags(
            span,
            [
                text("rpc.system", "grpc"),
                text("rpc.service", rpc_service),
                text("rpc.method", method),
                text("network.peer.address", &peer),
                int("network.peer.port", port),
            ],
        );
        span
    }

    fn http_client(&mut self, service: Service, parent: Open, method: &str, host: &str, path: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Client, method);
        self.tags(
            span,
            [
                text("http.request.method", method),
                text("url.full", &format!("http://{host}:8080{path}")),
                text("server.address", host),
                int("server.port", 8080),
            ],
        );
        self.work(50_000, 800_000);
        span
    }

    fn http_server(&mut self, service: Service, parent: Open, method: &str, route: &str, path: &str) -> Open {
        let span = self.begin(service, Some(parent), SpanKind::Server, &format!("{method} {route}"));
        let thread = self.rng.random_range(1..64);
        self.tags(
            span,
            [
                text("http.request.method", method),
                text("http.route", route),
                text("url.path", path),
                text("url.scheme", "http"),
                int("thread.id", thread),
            ],
        );
        span
    }

    fn begin(&mut self, service: Service, parent: Option<Open>, kind: SpanKind, name: &str) -> Open {
        let parent_span_id = parent.map(|parent| self.telemetry.spans[parent.0].1.span_id.clone()).unwrap_or_default();
        let span = Span {
            trace_id: self.trace_id.clone(),
            span_id: self.rng.random::<[u8; 8]>().to_vec(),
            parent_span_id,
            flags: 0x101,
            name: name.to_owned(),
            kind: kind as i32,
            start_time_unix_nano: self.now,
            end_time_unix_nano: self.now,
            ..Span::default()
        };
        self.telemetry.spans.push((service as usize, span));
        Open(self.telemetry.spans.len() - 1)
    }

    fn end(&mut self, span: Open, outcome: Outcome, message: &str) {
        self.now += self.rng.random_range(10_000..120_000);
        let span = &mut self.telemetry.spans[span.0].1;
        span.end_time_unix_nano = self.now;
        if outcome == Outcome::Failed {
            span.status = Some(Status { message: message.to_owned(), code: StatusCode::Error as i32 });
        }
    }

    fn service_of(&self, span: Open) -> Service {
        let number = self.telemetry.spans[span.0].0;
        [
            Service::Frontend,
            Service::Checkout,
            Service::Cart,
            Service::ProductCatalog,
            Service::Payment,
            Service::Shipping,
            Service::Email,
            Service::Recommendation,
            Service::Ad,
            Service::Currency,
            Service::Inventory,
            Service::FraudDetection,
            Service::Accounting,
        ][number]
    }

    /// Time passes: mostly near `least`, sometimes up to `most` nanoseconds.
    fn work(&mut self, least: u64, most: u64) {
        let skewed = self.rng.random::<f64>().powi(3);
        self.now += least + ((most - least) as f64 * skewed) as u64;
    }

    fn tag(&mut self, span: Open, attribute: KeyValue) {
        self.telemetry.spans[span.0].1.attributes.push(attribute);
    }

    fn tags(&mut self, span: Open, attributes: impl IntoIterator<Item = KeyValue>) {
        self.telemetry.spans[span.0].1.attributes.extend(attributes);
    }

    fn exception(&mut self, span: Open, kind: &str, message: &str, stack: &str) {
        let attributes = vec![
            text("exception.type", kind),
            text("exception.message", message),
            text("exception.stacktrace", &format!("{kind}: {message}\n{stack}")),
        ];
        let event = Event { time_unix_nano: self.now, name: "exception".to_owned(), attributes, ..Event::default() };
        self.telemetry.spans[span.0].1.events.push(event);
    }

    fn log(&mut self, service: Service, span: Open, severity: i32, body: &str) {
        let severity_text = match severity {
            17 => "ERROR",
            13 => "WARN",
            _ => "INFO",
        };
        let line = self.rng.random_range(20..400);
        let record = LogRecord {
            time_unix_nano: self.now,
            observed_time_unix_nano: self.now + self.rng.random_range(20_000..900_000),
            severity_number: severity,
            severity_text: severity_text.to_owned(),
            body: Some(AnyValue { value: Some(any_value::Value::StringValue(body.to_owned())) }),
            attributes: vec![text("code.function.name", "handle"), int("code.line.number", line)],
            flags: 1,
            trace_id: self.trace_id.clone(),
            span_id: self.telemetry.spans[span.0].1.span_id.clone(),
            ..LogRecord::default()
        };
        self.telemetry.logs.push((service as usize, record));
    }
}

fn database_attributes(system: &str, name: &str, query: &str) -> [KeyValue; 5] {
    let (operation, collection) = name.split_once(' ').unwrap_or((name, "cart"));
    [
        text("db.system.name", system),
        text("db.operation.name", operation),
        text("db.collection.name", collection),
        text("db.query.text", query),
        text("server.address", system),
    ]
}

const NODE_STACK: &str = "    at charge (/usr/src/app/charge.js:73:11)\n    at async Object.chargeServiceHandler [as charge] (/usr/src/app/index.js:21:22)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)";
const DOTNET_STACK: &str = "   at cart.cartstore.ValkeyCartStore.AddItemAsync(String userId, String productId, Int32 quantity) in /usr/src/app/src/cartstore/ValkeyCartStore.cs:line 122\n   at cart.services.CartService.AddItem(AddItemRequest request, ServerCallContext context) in /usr/src/app/src/services/CartService.cs:line 39";
const JAVA_STACK: &str = "\tat org.postgresql.core.v3.QueryExecutorImpl.receiveErrorResponse(QueryExecutorImpl.java:2733)\n\tat org.postgresql.core.v3.QueryExecutorImpl.processResults(QueryExecutorImpl.java:2420)\n\tat com.zaxxer.hikari.pool.ProxyPreparedStatement.executeQuery(ProxyPreparedStatement.java:52)\n\tat shop.inventory.StockRepository.lockLevels(StockRepository.java:88)\n\tat shop.inventory.StockController.stock(StockController.java:41)\n\tat jdk.internal.reflect.DirectMethodHandleAccessor.invoke(DirectMethodHandleAccessor.java:103)";
