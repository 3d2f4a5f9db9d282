//! A trace as one OTLP message, written piece by piece.

use axum::body::Bytes;
use tracewell_query::TraceReader;

use crate::error::ApiError;
use crate::work::off_the_reactor;

/// What surrounds the resource spans in OTLP/JSON.
const OPENING: &str = "{\"resourceSpans\":[";
const CLOSING: &str = "]}";

/// The pieces of a message. Put together they are a `TracesData`, in which a resource may come up more than once.
pub struct OtlpPieces {
    spans: TraceReader,
    is_protobuf: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AtTheBeginning,
    Within,
    AtTheEnd,
}

impl OtlpPieces {
    /// Of the message that holds `spans`, in protobuf or in JSON.
    pub fn new(spans: TraceReader, is_protobuf: bool) -> OtlpPieces {
        OtlpPieces { spans, is_protobuf, state: State::AtTheBeginning }
    }

    /// The next bytes; none at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if self.state == State::AtTheEnd {
            return Ok(None);
        }
        let (is_protobuf, state) = (self.is_protobuf, self.state);
        let Some(spans) = self.spans.next().await? else {
            self.state = State::AtTheEnd;
            return Ok(Some(match (is_protobuf, state) {
                (true, _) => Bytes::new(),
                (false, State::AtTheBeginning) => Bytes::from([OPENING, CLOSING].concat()),
                (false, _) => Bytes::from_static(CLOSING.as_bytes()),
            }));
        };
        self.state = State::Within;
        let written = off_the_reactor(move || match is_protobuf {
            // Messages that follow each other are one with the lists of all.
            true => tracewell_otlp::encode_traces(&spans).into(),
            false => resource_spans(tracewell_otlp::traces_to_json(&spans), state),
        });
        written.await.map(Some)
    }
}

/// The list in `json` without what closes it, and from the second on without what opens it.
fn resource_spans(mut json: String, state: State) -> Bytes {
    if json.ends_with(CLOSING) {
        json.truncate(json.len() - CLOSING.len());
    }
    match json.strip_prefix(OPENING) {
        Some(list) if state == State::Within => Bytes::from([",", list].concat()),
        _ => Bytes::from(json),
    }
}
