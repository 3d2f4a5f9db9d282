//! The native HTTP API (`docs/api.md`): questions in query strings, answers in JSON, traces also as OTLP and as frames.
//!
//! Start at [`router`]. [`endpoints`] says what there is, [`shapes`] what answers look like, [`error`] what can go
//! wrong; the OpenAPI document is made of these three.

mod accept;
mod convert;
mod deletions;
mod endpoints;
mod error;
mod examples;
mod export;
mod fields;
mod frame;
mod logs;
mod maintenance;
mod openapi;
mod otlp_pieces;
mod params;
mod records;
mod router;
mod scope;
mod server;
mod services;
mod shapes;
mod status;
mod tail;
mod tenant;
mod traces;
mod work;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tracewell_query::QueryEngine;
use tracewell_storage::Storage;

pub use error::ApiError;
pub use openapi::document as openapi_document;
pub use router::{router, router_while_starting};
pub use status::{Addresses, Received, ReceivedCounts, ServerStatus, StatusSource};
pub use tenant::{TENANT_HEADER, Tenant};

/// What handlers work with. Clones share it.
#[derive(Clone)]
pub struct ApiState {
    /// Answers questions.
    pub engine: QueryEngine,
    /// Gives figures and the live tail.
    pub storage: Storage,
    /// What only the binary knows.
    pub status: Arc<dyn StatusSource>,
    /// A permit for every live tail.
    tails: Arc<Semaphore>,
    /// A permit for every export.
    exports: Arc<Semaphore>,
}

impl ApiState {
    /// The state of an API over `engine` and the storage that it asks.
    pub fn new(engine: QueryEngine, status: Arc<dyn StatusSource>) -> ApiState {
        let storage = engine.storage().clone();
        ApiState {
            engine,
            storage,
            status,
            tails: Arc::new(Semaphore::new(tail::TAILS_MAX)),
            exports: Arc::new(Semaphore::new(export::EXPORTS_MAX)),
        }
    }
}
