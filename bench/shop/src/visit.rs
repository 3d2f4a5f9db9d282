//! What somebody does in the shop: each a trace that begins at the frontend.

use rand::Rng;
use rand::rngs::StdRng;

use crate::Telemetry;
use crate::products::PRODUCTS;
use crate::recorder::{int, text};
use crate::services::{Instances, Service};
use crate::spans::Outcome;

/// One visit: a trace in the making and a clock.
pub struct Visit<'a> {
    pub rng: &'a mut StdRng,
    pub trouble: bool,
    pub user: u64,
    pub trace_id: Vec<u8>,
    pub now: u64,
    pub telemetry: Telemetry,
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
}
