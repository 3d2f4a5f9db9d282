//! Conformance to OTLP 1.11: one test for each point of `docs/otlp-conformance.md`, against the running binary.
//!
//! `cargo test -p tracewell-tests --test conformance point_13` runs one. What the binary can not show in a test (a disk
//! that fails, a clock that runs on) is tested on the receivers themselves, in `collector/tests`.

mod p01_transport;
mod p10_protobuf;
mod p22_json;
mod p35_size;
mod p40_answers;
mod p51_browser;
mod p56_hostile;
mod payload;
mod target;
#[path = "../../../collector/tests/support/clients.rs"]
mod wire;
