//! What an operation of a service is: its protocol, how long it works, what it calls, how it fails, what it logs.

/// An operation.
pub struct Operation {
    /// The number of its service. Databases and internal work belong to the service that calls them.
    pub service: usize,
    /// The name of the span.
    pub name: &'static str,
    pub protocol: Protocol,
    /// Microseconds of work of its own: the least and the most.
    pub work_us: (u64, u64),
    pub failure: Failure,
    /// Log messages; what stands in braces is filled in (see `lines`).
    pub messages: &'static [&'static str],
    pub calls: &'static [Call],
}

impl Operation {
    /// One that never fails by itself, logs nothing and calls nothing.
    pub const fn new(service: usize, name: &'static str, protocol: Protocol, work_us: (u64, u64)) -> Operation {
        let failure = failure(0.0, 0.0, "", "");
        Operation { service, name, protocol, work_us, failure, messages: &[], calls: &[] }
    }

    /// The same that fails.
    pub const fn failing(self, failure: Failure) -> Operation {
        Operation { failure, ..self }
    }

    /// The same that logs one of these messages at a time.
    pub const fn saying(self, messages: &'static [&'static str]) -> Operation {
        Operation { messages, ..self }
    }

    /// The same that makes these calls.
    pub const fn calling(self, calls: &'static [Call]) -> Operation {
        Operation { calls, ..self }
    }
}

/// How an operation is called. A call by HTTP, RPC or queue also makes the caller's span.
#[derive(Clone, Copy)]
pub enum Protocol {
    Http { method: &'static str, route: &'static str, path: &'static str },
    Rpc { service: &'static str, method: &'static str },
    Queue { topic: &'static str, group: &'static str },
    Database { system: &'static str, collection: &'static str, operation: &'static str, query: &'static str },
    Internal { function: &'static str, file: &'static str },
}

/// How often an operation fails, and with which exception.
pub struct Failure {
    pub probability: f64,
    /// The same during an incident.
    pub in_incident: f64,
    pub exception: &'static str,
    /// What stands in braces is filled in.
    pub message: &'static str,
}

/// With this probability, usually and during an incident; with this exception and message.
pub const fn failure(probability: f64, in_incident: f64, exception: &'static str, message: &'static str) -> Failure {
    Failure { probability, in_incident, exception, message }
}

/// A call that an operation makes.
pub struct Call {
    pub to: &'static Operation,
    pub probability: f64,
    pub times: Times,
}

/// How often in a row.
#[derive(Clone, Copy)]
pub enum Times {
    Once,
    Between(u64, u64),
    HeavyTail(u64, u64),
}

pub const fn once(to: &'static Operation) -> Call {
    Call { to, probability: 1.0, times: Times::Once }
}

pub const fn perhaps(probability: f64, to: &'static Operation) -> Call {
    Call { to, probability, times: Times::Once }
}

pub const fn between(least: u64, most: u64, to: &'static Operation) -> Call {
    Call { to, probability: 1.0, times: Times::Between(least, most) }
}

pub const fn many(least: u64, most: u64, to: &'static Operation) -> Call {
    Call { to, probability: 1.0, times: Times::HeavyTail(least, most) }
}
