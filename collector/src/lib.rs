//! The receivers: OTLP over gRPC and HTTP, and Zipkin, to validated batches in the storage.
//!
//! Every request goes one way (`receiver`): memory for it is reserved from a shared budget, its body is read within
//! bounds of size, time and slowness, decompressed, decoded to columns, made durable by the [`Sink`], and only then
//! acknowledged. What is refused is refused by the one table in `refusal`, because the code decides whether a client
//! sends again or drops its data. `docs/otlp-conformance.md` lists what holds point by point.
//!
//! Start at [`Collector::start`].

mod activity;
mod admission;
mod answer;
mod body;
mod config;
mod connection;
mod cors;
mod decode;
mod failures;
mod grpc;
mod media;
mod metrics;
mod notices;
mod otlp_http;
mod receiver;
mod refusal;
mod reply;
mod rpc_status;
mod server;
mod service;
mod sink;
mod socket;
mod zipkin;

pub use config::CollectorConfig;
pub use cors::InvalidOrigin;
pub use metrics::{CollectorMetrics, CollectorStats};
pub use rpc_status::{RpcDetail, RpcStatus};
pub use server::{Collector, CollectorError};
pub use sink::Sink;
