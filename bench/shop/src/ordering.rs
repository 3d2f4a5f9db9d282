//! The services that an order goes through: payment, shipping, e-mail, and who reads the queue.

use opentelemetry_proto::tonic::trace::v1::span::{Link, SpanKind};
use rand::Rng;

use crate::recorder::{double, int, text};
use crate::services::Service;
use crate::spans::{Open, Outcome};
use crate::stacks::NODE_STACK;
use crate::visit::Visit;

impl Visit<'_> {
    pub fn pay(&mut self, parent: Open, order: u64) -> Outcome {
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
    pub fn shipping(&mut self, parent: Open, what: &str) {
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

    pub fn email(&mut self, parent: Open, order: u64) {
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
    pub fn publish(&mut self, parent: Open, order: u64) {
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
}
