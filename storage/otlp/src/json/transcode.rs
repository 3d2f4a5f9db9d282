//! Requests in OTLP/JSON to protobuf, in one pass over the text, driven by the schema.
//!
//! As OTLP says: keys are lowerCamelCase, unknown ones are ignored, `null` is as good as absent, enumerations are
//! numbers, trace and span ids hexadecimal. What protobuf's JSON mapping allows is accepted: numbers as strings,
//! integers with exponents, base64 of both alphabets. Of a key that comes twice, single values replace each other and
//! messages and lists are joined, as protobuf does with fields.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use tracewell_model::Signal;

use super::number::{float, integer};
use super::parse::{Kind, Parser, SyntaxError};
use crate::decode::NESTING_LEVELS_MAX;
use crate::report::shorten;
use crate::schema::{self, Field, LOGS, Message, TRACES};
use crate::wire::WriteWire;

/// Why a request is not OTLP/JSON. Sending the same again cannot succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// From the innermost to the outermost, each a key or an index.
    path: Vec<Step>,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Key(&'static str),
    Index(usize),
}

impl std::error::Error for JsonError {}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "{}: {}", self.path(), self.message),
        }
    }
}

impl JsonError {
    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where, as `resourceSpans[0].scopeSpans[0].spans[3].traceId`; empty for the whole document.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    fn new(message: impl Into<String>) -> Box<JsonError> {
        Box::new(JsonError { path: Vec::new(), message: message.into() })
    }

    fn inside(mut self: Box<Self>, step: Step) -> Box<JsonError> {
        self.path.push(step);
        self
    }
}

impl From<SyntaxError> for Box<JsonError> {
    fn from(error: SyntaxError) -> Self {
        JsonError::new(format!("not valid JSON: expected {} at byte {}", error.expected, error.position))
    }
}

type Result<T> = std::result::Result<T, Box<JsonError>>;

/// An `ExportTraceServiceRequest` in OTLP/JSON as protobuf.
pub fn traces_json_to_protobuf(body: &[u8]) -> std::result::Result<Vec<u8>, JsonError> {
    transcode(&TRACES, body).map(|transcoded| transcoded.out)
}

/// An `ExportLogsServiceRequest` in OTLP/JSON as protobuf.
pub fn logs_json_to_protobuf(body: &[u8]) -> std::result::Result<Vec<u8>, JsonError> {
    transcode(&LOGS, body).map(|transcoded| transcoded.out)
}

/// What to warn the sender of when the OTLP/JSON request `body` turned out to hold no record: keys that were ignored
/// and look as if they were meant. `None` for a request that is just empty, or no JSON.
pub fn unread_json_warning(signal: Signal, body: &[u8]) -> Option<String> {
    let (request, expected) = match signal {
        Signal::Traces => (&TRACES, "resourceSpans"),
        Signal::Logs => (&LOGS, "resourceLogs"),
    };
    let transcoded = transcode(request, body).ok()?;
    if let Some((found, meant)) = transcoded.misspelt {
        return Some(format!("ignored the key {found:?}: OTLP/JSON keys are lowerCamelCase, as {meant:?}"));
    }
    let found = transcoded.unknown_at_top.filter(|_| transcoded.out.is_empty())?;
    Some(format!("ignored the key {found:?}: this is the end point for {signal}, whose records stand in {expected:?}"))
}

fn transcode<'a>(request: &'static Message, body: &'a [u8]) -> std::result::Result<Transcoder<'a>, JsonError> {
    let mut transcoder = Transcoder {
        parser: Parser::new(body),
        out: Vec::with_capacity(body.len() / 2),
        misspelt: None,
        unknown_at_top: None,
    };
    transcoder.document(request).map_err(|error| *error)?;
    Ok(transcoder)
}

struct Transcoder<'a> {
    parser: Parser<'a>,
    out: Vec<u8>,
    /// The first unknown key that would be known in lowerCamelCase, and what it would be.
    misspelt: Option<(String, &'static str)>,
    unknown_at_top: Option<String>,
}

impl<'a> Transcoder<'a> {
    fn document(&mut self, request: &'static Message) -> Result<()> {
        self.message(request, 0)?;
        match self.parser.is_at_end() {
            true => Ok(()),
            false => Ok(self.parser.error("nothing after the request")?),
        }
    }

    /// Writes the fields of the object that comes next. `level` is that of the `AnyValue` around it, 0 for none.
    fn message(&mut self, message: &'static Message, level: usize) -> Result<()> {
        self.expect(Kind::Object)?;
        self.parser.enter();
        let mut is_first = true;
        while let Some(key) = self.parser.next_key(&mut is_first)? {
            let field = std::str::from_utf8(&key).ok().and_then(|key| message.json_field(key));
            let Some(field) = field else {
                self.note_unknown(message, &key);
                self.parser.skip()?;
                continue;
            };
            self.field(field, level).map_err(|error| error.inside(Step::Key(field.json)))?;
        }
        Ok(())
    }

    fn field(&mut self, field: &'static Field, level: usize) -> Result<()> {
        if self.parser.peek()? == Kind::Null {
            return Ok(self.parser.null()?);
        }
        if !field.repeated {
            return self.value(field, level);
        }
        self.expect(Kind::Array)?;
        self.parser.enter();
        let mut is_first = true;
        let mut index = 0;
        while self.parser.next_element(&mut is_first)? {
            self.element(field, level).map_err(|error| error.inside(Step::Index(index)))?;
            index += 1;
        }
        Ok(())
    }

    /// An element of a list. A `null` among values is an empty value, so that the others keep their places.
    fn element(&mut self, field: &'static Field, level: usize) -> Result<()> {
        if self.parser.peek()? != Kind::Null {
            return self.value(field, level);
        }
        self.parser.null()?;
        if matches!(field.kind, schema::Kind::Message(message) if message.is_any_value()) {
            self.out.put_bytes(field.number, &[]);
        }
        Ok(())
    }

    fn value(&mut self, field: &'static Field, level: usize) -> Result<()> {
        let number = field.number;
        match field.kind {
            schema::Kind::Message(message) => return self.inner(number, message, level),
            schema::Kind::String => {
                let text = self.string()?;
                self.out.put_bytes(number, &text);
            }
            schema::Kind::Bytes => {
                let bytes = self.base64()?;
                self.out.put_bytes(number, &bytes);
            }
            schema::Kind::Id => {
                let id = self.id()?;
                self.out.put_bytes(number, &id);
            }
            schema::Kind::Bool => {
                self.expect(Kind::Bool)?;
                let value = self.parser.boolean()?;
                self.out.put_varint(number, u64::from(value));
            }
            schema::Kind::Enum => {
                let value = self.enumeration()?;
                self.out.put_varint(number, i64::from(value) as u64);
            }
            schema::Kind::StringIndex => {
                let value = self.integer::<i32>()?;
                self.out.put_varint(number, i64::from(value) as u64);
            }
            schema::Kind::Int64 => {
                let value = self.integer::<i64>()?;
                self.out.put_varint(number, value as u64);
            }
            schema::Kind::Uint32 => {
                let value = self.integer::<u32>()?;
                self.out.put_varint(number, value.into());
            }
            schema::Kind::Fixed32 => {
                let value = self.integer()?;
                self.out.put_fixed32(number, value);
            }
            schema::Kind::Fixed64 => {
                let value = self.integer()?;
                self.out.put_fixed64(number, value);
            }
            schema::Kind::Double => {
                let value = self.double()?;
                self.out.put_fixed64(number, value.to_bits());
            }
        }
        Ok(())
    }

    fn inner(&mut self, number: u32, message: &'static Message, level: usize) -> Result<()> {
        let level = level + usize::from(message.is_any_value());
        // A guess of the size, so that the outer messages, which are large, need not be moved.
        let open = self.out.start_message(number, if level == 0 { 300 } else { 20 });
        if level > NESTING_LEVELS_MAX {
            // One level more than is kept: the decoder truncates and reports it.
            self.expect(Kind::Object)?;
            self.parser.skip()?;
        } else {
            self.message(message, level)?;
        }
        self.out.end_message(open);
        Ok(())
    }

    fn expect(&mut self, expected: Kind) -> Result<()> {
        let found = self.parser.peek()?;
        match found == expected {
            true => Ok(()),
            false => Err(JsonError::new(format!("expected {}, found {}", expected.noun(), found.noun()))),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, [u8]>> {
        self.expect(Kind::String)?;
        Ok(self.parser.string()?)
    }

    fn base64(&mut self) -> Result<Vec<u8>> {
        const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true);
        let text = self.string()?;
        let alphabet = if text.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
        let decoded = GeneralPurpose::new(alphabet, LENIENT).decode(&text);
        decoded.map_err(|error| JsonError::new(format!("{} is not base64: {error}", quoted(&text))))
    }

    fn id(&mut self) -> Result<Vec<u8>> {
        let text = self.string()?;
        hex::decode(&text).map_err(|_| {
            let found = quoted(&text);
            JsonError::new(format!("{found} is no id: OTLP/JSON writes ids in hexadecimal digits, not in base64"))
        })
    }

    fn enumeration(&mut self) -> Result<i32> {
        if self.parser.peek()? == Kind::String {
            let found = quoted(&self.parser.string()?);
            return Err(JsonError::new(format!("expected the number of an enumeration, found the string {found}")));
        }
        self.integer()
    }

    /// An integer, as a number or a string.
    fn integer<T: TryFrom<i128>>(&mut self) -> Result<T> {
        let text = self.number_text("an integer")?;
        let value = integer(&text).and_then(|value| T::try_from(value).ok());
        value.ok_or_else(|| {
            let found = quoted(text.as_bytes());
            JsonError::new(format!("{found} is not an integer of {} bits in range", 8 * size_of::<T>()))
        })
    }

    fn double(&mut self) -> Result<f64> {
        let text = self.number_text("a number")?;
        match &*text {
            "NaN" => Ok(f64::NAN),
            "Infinity" => Ok(f64::INFINITY),
            "-Infinity" => Ok(f64::NEG_INFINITY),
            number => float(number)
                .ok_or_else(|| JsonError::new(format!("{} is not a number in range", quoted(number.as_bytes())))),
        }
    }

    fn number_text(&mut self, expected: &'static str) -> Result<Cow<'a, str>> {
        match self.parser.peek()? {
            Kind::Number => Ok(Cow::Borrowed(self.parser.number()?)),
            Kind::String => Ok(match self.parser.string()? {
                Cow::Borrowed(text) => String::from_utf8_lossy(text),
                Cow::Owned(text) => Cow::Owned(String::from_utf8_lossy(&text).into_owned()),
            }),
            found => Err(JsonError::new(format!("expected {expected}, found {}", found.noun()))),
        }
    }

    #[cold]
    fn note_unknown(&mut self, message: &'static Message, key: &[u8]) {
        let is_top = std::ptr::eq(message, &TRACES) || std::ptr::eq(message, &LOGS);
        if is_top && self.unknown_at_top.is_none() {
            self.unknown_at_top = Some(shorten(String::from_utf8_lossy(key).into_owned(), 80));
        }
        if self.misspelt.is_some() || !key.contains(&b'_') {
            return;
        }
        let same = |field: &&Field| {
            key.iter()
                .filter(|byte| **byte != b'_')
                .map(u8::to_ascii_lowercase)
                .eq(field.json.bytes().map(|byte| byte.to_ascii_lowercase()))
        };
        if let Some(field) = message.fields.iter().find(same) {
            self.misspelt = Some((String::from_utf8_lossy(key).into_owned(), field.json));
        }
    }
}

/// Found text for an error message: in quotes, and short.
fn quoted(text: &[u8]) -> String {
    format!("{:?}", shorten(String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned(), 80))
}
