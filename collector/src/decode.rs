//! From the bytes of a request to columns: the part of the way that is only computing.

use std::borrow::Cow;

use bytes::Bytes;
use tracewell_model::{Records, Signal, UnixNanos};
use tracewell_otlp::{ContentEncoding, DecodeError, InflateError};
use xxhash_rust::xxh3::Xxh3;

use crate::refusal::{Refusal, RefusalKind, shorten};
use crate::zipkin;

/// In which language a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Syntax {
    /// OTLP in protobuf.
    OtlpProtobuf,
    /// OTLP in JSON.
    OtlpJson,
    /// Zipkin's list of spans in JSON, version 2.
    ZipkinJson,
}

/// A message as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub encoding: ContentEncoding,
    pub bytes: Bytes,
}

impl Message {
    fn plain(bytes: Vec<u8>) -> Message {
        Message { encoding: ContentEncoding::Identity, bytes: Bytes::from(bytes) }
    }
}

/// What to store of a message, and what to tell about it.
#[derive(Debug)]
pub(crate) struct DecodedMessage {
    /// The message in OTLP protobuf, for the journal.
    pub body: Message,
    pub records: Records,
    pub rejected: u64,
    pub message: String,
    pub request_hash: u128,
}

/// Decompresses `message` to at most `bytes_max` bytes.
pub(crate) fn inflate(message: &Message, bytes_max: usize) -> Result<Bytes, Refusal> {
    match tracewell_otlp::inflate(message.encoding, &message.bytes, bytes_max) {
        Ok(Cow::Borrowed(_)) => Ok(message.bytes.clone()),
        Ok(Cow::Owned(inflated)) => Ok(Bytes::from(inflated)),
        Err(error @ InflateError::TooLarge { .. }) => {
            Err(Refusal::new(RefusalKind::TooLarge, format!("{error} (request_bytes_max)")))
        }
        Err(error) => Err(Refusal::malformed(error.to_string()).field("content-encoding")),
    }
}

/// How large a message says it is when decompressed; a usual ratio when it does not say.
pub(crate) fn inflated_bytes_hint(message: &Message) -> usize {
    const USUAL_RATIO: usize = 32;
    let bytes = &message.bytes;
    let usual = bytes.len().saturating_mul(USUAL_RATIO);
    match message.encoding {
        ContentEncoding::Identity => bytes.len(),
        // RFC 1952: the last four bytes are the size modulo 2^32, of the last member.
        ContentEncoding::Gzip => bytes
            .last_chunk::<4>()
            .map_or(usual, |size| u32::from_le_bytes(*size) as usize)
            .min(bytes.len().saturating_mul(1100)),
        ContentEncoding::Zstd => match zstd::zstd_safe::get_frame_content_size(bytes) {
            Ok(Some(size)) => usize::try_from(size).unwrap_or(usize::MAX),
            _ => usual,
        },
        _ => usual,
    }
}

/// Decodes `inflated`, which is `wire` decompressed.
pub(crate) fn decode(
    signal: Signal,
    syntax: Syntax,
    wire: Message,
    inflated: Bytes,
    received_at: UnixNanos,
) -> Result<DecodedMessage, Refusal> {
    match syntax {
        // The journal keeps it as it came: compressed, if it was.
        Syntax::OtlpProtobuf => {
            let request_hash = request_hash(signal, &inflated);
            let columns = columns(signal, &inflated, received_at)?;
            Ok(columns.with_body(wire, request_hash))
        }
        Syntax::OtlpJson => {
            let protobuf = transcode_json(signal, &inflated)?;
            let request_hash = request_hash(signal, &protobuf);
            let mut columns = columns(signal, &protobuf, received_at)?;
            if columns.records.is_empty()
                && columns.rejected == 0
                && let Some(warning) = tracewell_otlp::unread_json_warning(signal, &inflated)
            {
                columns.message = shorten(warning);
            }
            Ok(columns.with_body(Message::plain(protobuf), request_hash))
        }
        // Spans without a time get the time of receiving, so the hash is over what was sent.
        Syntax::ZipkinJson => {
            let protobuf = zipkin::to_protobuf(&inflated, received_at)?;
            let request_hash = request_hash(signal, &inflated);
            let columns = columns(signal, &protobuf, received_at)?;
            Ok(columns.with_body(Message::plain(protobuf), request_hash))
        }
    }
}

/// The records of a message, and what there is to tell about them.
struct Columns {
    records: Records,
    rejected: u64,
    message: String,
}

impl Columns {
    fn with_body(self, body: Message, request_hash: u128) -> DecodedMessage {
        let Columns { records, rejected, message } = self;
        DecodedMessage { body, records, rejected, message, request_hash }
    }
}

fn columns(signal: Signal, protobuf: &[u8], received_at: UnixNanos) -> Result<Columns, Refusal> {
    let refused = |error: DecodeError| Refusal::malformed(error.to_string()).field(error.place());
    match signal {
        Signal::Traces => {
            let decoded = tracewell_otlp::decode_traces(protobuf, received_at).map_err(refused)?;
            let message = decoded.message();
            Ok(Columns { records: Records::Spans(decoded.records), rejected: decoded.rejected, message })
        }
        Signal::Logs => {
            let decoded = tracewell_otlp::decode_logs(protobuf, received_at).map_err(refused)?;
            let message = decoded.message();
            Ok(Columns { records: Records::Logs(decoded.records), rejected: decoded.rejected, message })
        }
    }
}

fn transcode_json(signal: Signal, json: &[u8]) -> Result<Vec<u8>, Refusal> {
    let transcoded = match signal {
        Signal::Traces => tracewell_otlp::traces_json_to_protobuf(json),
        Signal::Logs => tracewell_otlp::logs_json_to_protobuf(json),
    };
    transcoded.map_err(|error| {
        let path = error.path();
        Refusal::malformed(error.to_string()).field(if path.is_empty() { "body".to_owned() } else { path })
    })
}

/// Tells a request apart from others; the same when it is sent again.
fn request_hash(signal: Signal, message: &[u8]) -> u128 {
    let mut hasher = Xxh3::new();
    hasher.update(signal.as_str().as_bytes());
    hasher.update(message);
    hasher.digest128()
}
