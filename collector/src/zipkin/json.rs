//! Reading Zipkin v2 JSON (zipkin-api `zipkin2-api.yaml`), with errors that name the span and the field.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// A span, checked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ZipkinSpan {
    pub trace_id: [u8; 16],
    pub id: [u8; 8],
    pub parent_id: Option<[u8; 8]>,
    pub kind: Option<Kind>,
    pub name: String,
    /// In microseconds since the epoch; absent where the sender did not know.
    pub timestamp: Option<u64>,
    /// In microseconds.
    pub duration: Option<u64>,
    pub local: Endpoint,
    pub remote: Endpoint,
    pub annotations: Vec<Annotation>,
    pub tags: Vec<(String, String)>,
    pub debug: bool,
    /// Whether a client wrote a span of the same id.
    pub shared: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Client,
    Server,
    Producer,
    Consumer,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Endpoint {
    pub service_name: Option<String>,
    pub ipv4: Option<String>,
    pub ipv6: Option<String>,
    pub port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Annotation {
    /// In microseconds since the epoch.
    pub timestamp: u64,
    pub value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    timestamp: Option<Micros>,
    duration: Option<Micros>,
    local_endpoint: Option<RawEndpoint>,
    remote_endpoint: Option<RawEndpoint>,
    annotations: Option<Vec<RawAnnotation>>,
    tags: Option<Tags>,
    debug: Option<bool>,
    shared: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawEndpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<u32>,
}

#[derive(Deserialize)]
struct RawAnnotation {
    timestamp: Micros,
    value: String,
}

/// Reads a list of spans. Nothing at all is an empty list.
pub(super) fn parse(json: &[u8]) -> Result<Vec<ZipkinSpan>, Refusal> {
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json).trim_ascii();
    if json.is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<&RawValue> = serde_json::from_slice(json)
        .map_err(|error| Refusal::malformed(format!("not a JSON list of Zipkin v2 spans: {error}")))?;
    list.iter().enumerate().map(|(index, raw)| span(index, raw)).collect()
}

fn span(index: usize, raw: &RawValue) -> Result<ZipkinSpan, Refusal> {
    let raw: RawSpan = serde_json::from_str(raw.get()).map_err(|error| invalid(index, None, &error.to_string()))?;
    let field = |name: &'static str| move |problem: String| invalid(index, Some(name), &problem);
    let trace_id = hex_id(&raw.trace_id).map_err(field("traceId"))?;
    let id = hex_id(&raw.id).map_err(field("id"))?;
    let parent_id = match raw.parent_id.as_deref() {
        None | Some("") => None,
        // Some libraries write all zeros for "no parent".
        Some(text) if text.bytes().all(|byte| byte == b'0') => None,
        Some(text) => Some(hex_id(text).map_err(field("parentId"))?),
    };
    Ok(ZipkinSpan {
        trace_id,
        id,
        parent_id,
        kind: raw.kind.as_deref().map(kind).transpose().map_err(field("kind"))?,
        name: raw.name.unwrap_or_default(),
        timestamp: raw.timestamp.map(|Micros(time)| time).filter(|&time| time > 0),
        duration: raw.duration.map(|Micros(duration)| duration),
        local: endpoint(raw.local_endpoint).map_err(field("localEndpoint"))?,
        remote: endpoint(raw.remote_endpoint).map_err(field("remoteEndpoint"))?,
        annotations: raw
            .annotations
            .unwrap_or_default()
            .into_iter()
            .map(|RawAnnotation { timestamp: Micros(timestamp), value }| Annotation { timestamp, value })
            .collect(),
        tags: raw.tags.map(|Tags(tags)| tags).unwrap_or_default(),
        debug: raw.debug.unwrap_or_default(),
        shared: raw.shared.unwrap_or_default(),
    })
}

fn invalid(index: usize, field: Option<&str>, problem: &str) -> Refusal {
    let place = match field {
        Some(field) => format!("[{index}].{field}"),
        None => format!("[{index}]"),
    };
    Refusal::malformed(format!("span {place}: {problem}")).field(place)
}

/// An id of at most 2 N hexadecimal digits, padded with zeros on the left, not all zero.
fn hex_id<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let problem = || {
        let text: String = text.chars().take(80).collect();
        match N {
            16 => format!("{text:?} is no trace id: expected 16 or 32 hexadecimal digits, not all zero"),
            _ => format!("{text:?} is no span id: expected {} hexadecimal digits, not all zero", 2 * N),
        }
    };
    if text.is_empty() || text.len() > 2 * N || !text.is_ascii() {
        return Err(problem());
    }
    let mut id = [0; N];
    hex::decode_to_slice(format!("{text:0>width$}", width = 2 * N), &mut id).map_err(|_| problem())?;
    if id == [0; N] { Err(problem()) } else { Ok(id) }
}

fn kind(text: &str) -> Result<Kind, String> {
    match text {
        "CLIENT" => Ok(Kind::Client),
        "SERVER" => Ok(Kind::Server),
        "PRODUCER" => Ok(Kind::Producer),
        "CONSUMER" => Ok(Kind::Consumer),
        _ => {
            let text: String = text.chars().take(80).collect();
            Err(format!("{text:?} is no kind: expected CLIENT, SERVER, PRODUCER or CONSUMER"))
        }
    }
}

fn endpoint(raw: Option<RawEndpoint>) -> Result<Endpoint, String> {
    let Some(raw) = raw else { return Ok(Endpoint::default()) };
    let address = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) if text.parse::<IpAddr>().is_ok() => Ok(Some(text)),
        Some(text) => Err(format!("{:?} is no IP address", text.chars().take(80).collect::<String>())),
    };
    let port = raw.port.unwrap_or_default();
    let port = u16::try_from(port).map_err(|_| format!("{port} is no port: expected 0 to 65535"))?;
    Ok(Endpoint {
        service_name: raw.service_name.filter(|name| !name.is_empty()),
        ipv4: address(raw.ipv4)?,
        ipv6: address(raw.ipv6)?,
        port: (port > 0).then_some(port),
    })
}

/// Microseconds. Some libraries write them with a fraction or as text.
struct Micros(u64);

impl<'de> Deserialize<'de> for Micros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Micros, D::Error> {
        struct MicrosVisitor;
        impl Visitor<'_> for MicrosVisitor {
            type Value = Micros;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of microseconds")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Micros, E> {
                Ok(Micros(value))
            }

            fn visit_f64<E: de::Error>(self, value: f64) -> Result<Micros, E> {
                // The conversion saturates.
                if value >= 0.0 {
                    Ok(Micros(value as u64))
                } else {
                    Err(E::invalid_value(de::Unexpected::Float(value), &self))
                }
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Micros, E> {
                value.parse().map(Micros).map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
            }
        }
        deserializer.deserialize_any(MicrosVisitor)
    }
}

/// Tags in the order of the document. Values should be text; other scalars are taken as they are written.
struct Tags(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
        struct TagsVisitor;
        impl<'de> Visitor<'de> for TagsVisitor {
            type Value = Tags;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of tags with text as values")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Tags, A::Error> {
                let mut tags = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let value = match value {
                        serde_json::Value::String(text) => text,
                        serde_json::Value::Null => continue,
                        serde_json::Value::Bool(_) | serde_json::Value::Number(_) => value.to_string(),
                        _ => return Err(de::Error::custom(format!("tags: the value of {key:?} is not text"))),
                    };
                    tags.push((key, value));
                }
                Ok(Tags(tags))
            }
        }
        deserializer.deserialize_map(TagsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_trace_ids_are_padded_on_the_left() {
        let spans = parse(br#"[{"traceId":"86154a4ba6e91385","id":"4d1e00c0db9010db"}]"#).expect("spans");
        assert_eq!(hex::encode(spans[0].trace_id), "000000000000000086154a4ba6e91385");
        assert_eq!(spans[0].parent_id, None);
    }

    #[test]
    fn the_span_and_the_field_at_fault_are_named() {
        let ok = r#"{"traceId":"1","id":"2"}"#;
        for (bad, place, problem) in [
            (r#"{"id":"2"}"#, "[1]", "traceId"),
            (r#"{"traceId":"xyz","id":"2"}"#, "[1].traceId", "xyz"),
            (r#"{"traceId":"1","id":"00000000000000000"}"#, "[1].id", "16 hexadecimal"),
            (r#"{"traceId":"1","id":"2","parentId":"q"}"#, "[1].parentId", "q"),
            (r#"{"traceId":"1","id":"2","kind":"server"}"#, "[1].kind", "server"),
            (r#"{"traceId":"1","id":"2","timestamp":"soon"}"#, "[1]", "soon"),
            (r#"{"traceId":"1","id":"2","remoteEndpoint":{"port":70000}}"#, "[1].remoteEndpoint", "70000"),
            (r#"{"traceId":"1","id":"2","localEndpoint":{"ipv4":"here"}}"#, "[1].localEndpoint", "here"),
            (r#"{"traceId":"1","id":"2","tags":{"a":[1]}}"#, "[1]", "\"a\""),
            ("7", "[1]", "7"),
        ] {
            let refusal = parse(format!("[{ok},{bad}]").as_bytes()).expect_err(bad);
            assert_eq!(refusal.field.as_deref(), Some(place), "{bad}");
            assert!(refusal.message.contains(problem), "{bad}: {refusal}");
        }
        for bad in ["{", "{}", "[]x", "[1"] {
            assert!(parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_an_empty_list() {
        for text in ["", " ", "[]", "\u{feff}[ ]\n"] {
            assert_eq!(parse(text.as_bytes()).expect(text), []);
        }
    }

    #[test]
    fn sloppy_numbers_and_tags_are_taken() {
        let text = r#"[{"traceId":"1","id":"2","timestamp":1.5e15,"duration":"7","parentId":"0000000000000000","extra":[{}],
            "tags":{"n":1,"b":true,"s":"x","gone":null}}]"#;
        let span = &parse(text.as_bytes()).expect("spans")[0];
        assert_eq!((span.timestamp, span.duration, span.parent_id), (Some(1_500_000_000_000_000), Some(7), None));
        let tags: Vec<(&str, &str)> = span.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(tags, [("n", "1"), ("b", "true"), ("s", "x")]);
    }
}
