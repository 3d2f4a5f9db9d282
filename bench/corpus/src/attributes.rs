//! The attributes of spans, by protocol, as the semantic conventions name them.

use std::fmt::Write;

use crate::dice::Dice;
use crate::lines::{fill, order_token, uuid};
use crate::operation::Protocol;
use crate::pods::Pods;
use crate::services::{CHECKOUT, FRAUD_DETECTION, LEDGER, NOTIFICATION, PAYMENT, SERVICES, SHIPPING};
use crate::trace::{Draft, Side, Visitor};
use crate::wire::Attributes;

/// What the attributes of a span are made of.
pub struct Source<'a> {
    pub draft: &'a Draft,
    pub root: bool,
    pub visitor: &'a Visitor,
    pub pods: &'a Pods,
    pub text: &'a mut String,
}

const BROWSERS: [&str; 5] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example.com)",
];

impl Source<'_> {
    pub fn write(&mut self, attributes: &mut Attributes<'_>, dice: &mut Dice) {
        match (self.draft.operation.protocol, self.draft.side) {
            (Protocol::Http { .. }, _) => self.http(attributes, dice),
            (Protocol::Rpc { service, method }, _) => self.rpc(service, method, attributes, dice),
            (Protocol::Queue { topic, group }, _) => self.queue(topic, group, attributes, dice),
            (Protocol::Database { system, collection, operation, query }, _) => {
                self.database([system, collection, operation, query], attributes, dice);
            }
            (Protocol::Internal { function, file }, _) => {
                attributes.text("code.function.name", function);
                attributes.text("code.file.path", file);
                attributes.int("code.line.number", 40 + function.len() as u64 * 7);
                attributes.int("app.batch.size", dice.skewed(1, 500));
                attributes.boolean("app.cache_hit", dice.chance(0.7));
            }
        }
        self.about(attributes, dice);
    }

    fn http(&mut self, attributes: &mut Attributes<'_>, dice: &mut Dice) {
        let Protocol::Http { method, route, path } = self.draft.operation.protocol else { return };
        self.text.clear();
        fill(self.text, path, self.visitor, self.draft.failed, dice);
        attributes.text("http.request.method", method);
        attributes.int("http.response.status_code", self.status());
        attributes.text("network.protocol.version", if self.root { "2" } else { "1.1" });
        let name = SERVICES[self.draft.operation.service].name;
        if self.draft.side == Side::Caller {
            let url = format!("http://{name}.shop.svc:8080{}", self.text);
            attributes.text("url.full", &url);
            attributes.text("server.address", name);
            attributes.int("server.port", 8080);
            attributes.text("network.peer.address", &self.pods.all[self.draft.peer].address);
            return;
        }
        attributes.text("http.route", route);
        let (path, query) = self.text.split_once('?').unwrap_or((self.text, ""));
        attributes.text("url.path", path);
        if !query.is_empty() {
            attributes.text("url.query", query);
        }
        attributes.text("url.scheme", if self.root { "https" } else { "http" });
        attributes.text("server.address", if self.root { "shop.example.com" } else { name });
        attributes.int("http.response.body.size", dice.skewed(180, 90_000));
        attributes.int("network.peer.port", dice.between(32_768, 60_999));
        if self.root {
            attributes.text("user_agent.original", BROWSERS[(self.visitor.session % 5) as usize]);
            let from = self.visitor.session >> 8;
            let address =
                format!("{}.{}.{}.{}", 80 + from % 12, from >> 8 & 0xff, from >> 16 & 0xff, from >> 24 & 0xff);
            attributes.text("client.address", &address);
            self.text.clear();
            let _ = write!(self.text, "{:016x}", self.visitor.session);
            attributes.text("session.id", self.text);
        } else {
            attributes.text("client.address", &self.pods.all[self.draft.peer].address);
        }
    }

    fn rpc(&mut self, service: &str, method: &str, attributes: &mut Attributes<'_>, dice: &mut Dice) {
        attributes.text("rpc.system", "grpc");
        attributes.text("rpc.service", service);
        attributes.text("rpc.method", method);
        attributes.int("rpc.grpc.status_code", if self.draft.failed { 13 } else { 0 });
        attributes.text("server.address", SERVICES[self.draft.operation.service].name);
        attributes.int("server.port", 9090);
        attributes.text("network.transport", "tcp");
        attributes.text("network.peer.address", &self.pods.all[self.draft.peer].address);
        if self.draft.side == Side::Callee {
            attributes.int("network.peer.port", dice.between(32_768, 60_999));
        }
    }

    fn database(&mut self, parts: [&str; 4], attributes: &mut Attributes<'_>, dice: &mut Dice) {
        let [system, collection, operation, query] = parts;
        attributes.text("db.system.name", system);
        attributes.text("db.namespace", "shop");
        attributes.text("db.collection.name", collection);
        attributes.text("db.operation.name", operation);
        attributes.text("db.query.text", query);
        attributes.text("server.address", system);
        attributes.int("server.port", if system == "redis" { 6379 } else { 5432 });
        attributes.int("db.response.returned_rows", dice.skewed(0, 60));
        attributes.int("network.peer.port", if system == "redis" { 6379 } else { 5432 });
    }

    fn queue(&mut self, topic: &str, group: &str, attributes: &mut Attributes<'_>, dice: &mut Dice) {
        let sends = self.draft.side == Side::Caller;
        attributes.text("messaging.system", "kafka");
        attributes.text("messaging.destination.name", topic);
        attributes.text("messaging.operation.type", if sends { "send" } else { "process" });
        attributes.int("messaging.kafka.offset", self.visitor.order.unwrap_or_default() / 12);
        attributes.text("messaging.destination.partition.id", ["0", "1", "2", "3"][dice.below(4) as usize]);
        attributes.int("messaging.message.body.size", dice.skewed(300, 4_000));
        attributes.text("server.address", "kafka.shop.svc");
        if sends {
            self.text.clear();
            uuid(self.text, dice);
            attributes.text("messaging.message.id", self.text);
        } else {
            attributes.text("messaging.consumer.group.name", group);
        }
    }

    /// What a span has whatever its protocol: its thread, the user, the order, and sometimes a key of its own.
    fn about(&mut self, attributes: &mut Attributes<'_>, dice: &mut Dice) {
        let thread = dice.below(24);
        attributes.int("thread.id", 17 + thread);
        self.text.clear();
        let _ = write!(self.text, "{}-worker-{thread}", SERVICES[self.pods.all[self.draft.pod].service].name);
        attributes.text("thread.name", self.text);
        let remote = !matches!(self.draft.operation.protocol, Protocol::Database { .. } | Protocol::Internal { .. });
        if remote && self.draft.side == Side::Callee {
            self.text.clear();
            let _ = write!(self.text, "user-{:07}", self.visitor.user);
            attributes.text("user.id", self.text);
        }
        let ordering = [CHECKOUT, PAYMENT, SHIPPING, LEDGER, FRAUD_DETECTION, NOTIFICATION];
        if let Some(order) = self.visitor.order
            && ordering.contains(&self.draft.operation.service)
        {
            self.text.clear();
            let _ = write!(self.text, "ord-{}", order_token(order));
            attributes.text("order.id", self.text);
            attributes.double("app.order.total", (order % 90_000) as f64 / 100.0);
        }
        if dice.chance(0.02) {
            self.text.clear();
            let _ = write!(self.text, "app.experiment.{:03}", dice.popular(400));
            attributes.text(self.text, ["control", "treatment"][dice.below(2) as usize]);
        }
    }

    fn status(&self) -> u64 {
        match (self.draft.failed, self.draft.operation.service) {
            (false, _) => 200,
            (true, SHIPPING) => 503,
            (true, crate::services::MEDIA) => 404,
            (true, _) => 500,
        }
    }
}
