//! The services that every page needs: catalogue, prices, cart, recommendations, advertisements, stock.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use rand::Rng;

use crate::products::PRODUCTS;
use crate::recorder::{boolean, int, text};
use crate::services::Service;
use crate::spans::{Open, Outcome};
use crate::stacks::{DOTNET_STACK, JAVA_STACK};
use crate::visit::Visit;

impl Visit<'_> {
    pub fn currency(&mut self, parent: Open, method: &str) {
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

    pub fn catalog(&mut self, parent: Open, method: &str, product: Option<usize>) -> Outcome {
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

    pub fn cart(&mut self, parent: Open, method: &str) -> Outcome {
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

    pub fn recommendations(&mut self, parent: Open) -> Vec<usize> {
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

    pub fn ad(&mut self, parent: Open) {
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
    pub fn inventory(&mut self, parent: Open, product: usize) -> Outcome {
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

    pub fn database(&mut self, service: Service, parent: Open, system: &str, name: &str, query: &str) {
        let span = self.begin(service, Some(parent), SpanKind::Client, name);
        self.tags(span, database_attributes(system, name, query));
        self.work(150_000, 3_000_000);
        self.end(span, Outcome::Ok, "");
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
