//! A deterministic corpus of OTLP requests: an online shop of sixteen services under load, with the answers to questions
//! about it.
//!
//! Everything follows from a seed and a range of time, on every machine and with every version of every library. Requests are
//! encoded as they are made, at about a million records a second and core, so that making them is never what is measured.

mod attributes;
mod dice;
mod files;
mod gateway;
mod generate;
mod lines;
mod operation;
mod operations;
mod pods;
mod services;
mod stacks;
mod trace;
mod truth;
mod wire;
mod write_log;
mod write_span;

pub use files::{Files, read_requests, write_files};
pub use generate::{Plan, Requests, Signal, generate};
pub use truth::{Counted, SampleTrace, ServiceTruth, Truth};
