//! Why a request is refused, and the one table that says how: gRPC code, HTTP status, whether to send it again.
//!
//! Clients drop data for ever on any answer that OTLP does not list as retryable, and flood us with data that can
//! never be accepted on any answer that it does. So the row matters more than the words.

use std::time::Duration;

use http::StatusCode;

/// The gRPC codes that we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcCode {
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Unavailable = 14,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// It can not be decoded, and never will be.
    Malformed,
    /// It is larger than allowed, as sent or decompressed.
    TooLarge,
    /// It is compressed in a way that we do not know.
    UnknownEncoding,
    /// It is of a media type that we do not know.
    UnknownMediaType,
    /// It is of a signal that is not stored here.
    SignalNotStored,
    /// Nothing is at its path.
    NoSuchPath,
    /// The gRPC service or its method does not exist here.
    NoSuchProcedure,
    /// It came with a method other than POST.
    MethodNotAllowed,
    /// Its origin is not on the list of those whose pages may export.
    OriginNotAllowed,
    /// The bytes of requests in progress are at their bound.
    Overloaded,
    /// The storage can not take it now: its disk or its memory is full, or it is opening or closing.
    StorageUnavailable,
    /// Its body arrives too slowly, or broke off.
    BodyTooSlow,
    /// The client's deadline has passed.
    DeadlineExceeded,
    /// We failed; another attempt may succeed.
    Internal,
    /// We failed on the same body again and again, and have put it aside.
    PutAside,
}

impl RefusalKind {
    /// The answer in gRPC, in HTTP, and after how long to send the request again (`None`: never).
    pub fn answer(self) -> (GrpcCode, StatusCode, Option<Duration>) {
        use GrpcCode::*;
        const ONE: Option<Duration> = Some(Duration::from_secs(1));
        const TWO: Option<Duration> = Some(Duration::from_secs(2));
        match self {
            RefusalKind::Malformed => (InvalidArgument, StatusCode::BAD_REQUEST, None),
            RefusalKind::TooLarge => (ResourceExhausted, StatusCode::PAYLOAD_TOO_LARGE, None),
            RefusalKind::UnknownEncoding => (Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
            RefusalKind::UnknownMediaType => (Unimplemented, StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
            RefusalKind::SignalNotStored => (Unimplemented, StatusCode::NOT_FOUND, None),
            RefusalKind::NoSuchPath => (NotFound, StatusCode::NOT_FOUND, None),
            RefusalKind::NoSuchProcedure => (Unimplemented, StatusCode::NOT_FOUND, None),
            RefusalKind::MethodNotAllowed => (Unimplemented, StatusCode::METHOD_NOT_ALLOWED, None),
            RefusalKind::OriginNotAllowed => (InvalidArgument, StatusCode::FORBIDDEN, None),
            RefusalKind::Overloaded => (Unavailable, StatusCode::SERVICE_UNAVAILABLE, ONE),
            RefusalKind::StorageUnavailable => (Unavailable, StatusCode::SERVICE_UNAVAILABLE, TWO),
            RefusalKind::BodyTooSlow => (Unavailable, StatusCode::SERVICE_UNAVAILABLE, ONE),
            RefusalKind::DeadlineExceeded => (DeadlineExceeded, StatusCode::GATEWAY_TIMEOUT, None),
            RefusalKind::Internal => (Unavailable, StatusCode::SERVICE_UNAVAILABLE, ONE),
            RefusalKind::PutAside => (InvalidArgument, StatusCode::BAD_REQUEST, None),
        }
    }

    /// The word for this kind in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalKind::Malformed => "malformed",
            RefusalKind::TooLarge => "too_large",
            RefusalKind::UnknownEncoding => "unknown_encoding",
            RefusalKind::UnknownMediaType => "unknown_media_type",
            RefusalKind::SignalNotStored => "signal_not_stored",
            RefusalKind::NoSuchPath => "no_such_path",
            RefusalKind::NoSuchProcedure => "no_such_procedure",
            RefusalKind::MethodNotAllowed => "method_not_allowed",
            RefusalKind::OriginNotAllowed => "origin_not_allowed",
            RefusalKind::Overloaded => "overloaded",
            RefusalKind::StorageUnavailable => "storage_unavailable",
            RefusalKind::BodyTooSlow => "body_too_slow",
            RefusalKind::DeadlineExceeded => "deadline_exceeded",
            RefusalKind::Internal => "internal",
            RefusalKind::PutAside => "put_aside",
        }
    }
}

/// A refused request: the kind for programs, the message for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong.
    pub kind: RefusalKind,
    /// What is wrong in words, with the value that was wrong and what to do.
    pub message: String,
    /// The field or header that is wrong, where one is to blame.
    pub field: Option<String>,
}

impl Refusal {
    /// A refusal of this kind. Long messages are cut: clients need not read more than a kilobyte.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Refusal {
        Refusal { kind, message: shorten(message.into()), field: None }
    }

    /// The same, with the field that is to blame.
    pub fn field(mut self, field: impl Into<String>) -> Refusal {
        self.field = Some(shorten(field.into()));
        self
    }

    /// A body that can not be decoded.
    pub fn malformed(message: impl Into<String>) -> Refusal {
        Refusal::new(RefusalKind::Malformed, message)
    }
}

/// The most bytes of a message in an answer.
const MESSAGE_BYTES_MAX: usize = 1024;

/// Cuts `text` to what an answer may hold.
pub fn shorten(mut text: String) -> String {
    if text.len() > MESSAGE_BYTES_MAX {
        let mut end = MESSAGE_BYTES_MAX - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [RefusalKind; 15] = [
        RefusalKind::Malformed,
        RefusalKind::TooLarge,
        RefusalKind::UnknownEncoding,
        RefusalKind::UnknownMediaType,
        RefusalKind::SignalNotStored,
        RefusalKind::NoSuchPath,
        RefusalKind::NoSuchProcedure,
        RefusalKind::MethodNotAllowed,
        RefusalKind::OriginNotAllowed,
        RefusalKind::Overloaded,
        RefusalKind::StorageUnavailable,
        RefusalKind::BodyTooSlow,
        RefusalKind::DeadlineExceeded,
        RefusalKind::Internal,
        RefusalKind::PutAside,
    ];

    #[test]
    fn a_hint_comes_with_retryable_codes_and_with_no_others() {
        for kind in ALL {
            let (code, status, hint) = kind.answer();
            if kind == RefusalKind::DeadlineExceeded {
                continue; // Retryable by its code; the client has stopped listening for hints.
            }
            assert_eq!(hint.is_some(), code == GrpcCode::Unavailable, "{kind:?}");
            assert_eq!(hint.is_some(), [429, 502, 503, 504].contains(&status.as_u16()), "{kind:?}");
        }
    }

    #[test]
    fn hints_fit_the_budget_of_the_most_impatient_exporter() {
        for kind in ALL {
            if let Some(hint) = kind.answer().2 {
                assert!(hint >= Duration::from_secs(1) && hint <= Duration::from_secs(2), "{kind:?}");
            }
        }
    }

    #[test]
    fn long_messages_are_cut_at_a_character() {
        let refusal = Refusal::malformed("ü".repeat(2000));
        assert!(refusal.message.len() <= 1024);
        assert!(refusal.message.ends_with("ü…"));
    }
}
