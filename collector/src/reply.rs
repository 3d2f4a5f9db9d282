//! The body of an answer: a few bytes, and for gRPC trailers.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// The body of an answer.
#[derive(Debug, Default)]
pub struct Reply {
    data: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Reply {
    /// `data` and no trailers.
    pub fn new(data: impl Into<Bytes>) -> Reply {
        let data = data.into();
        Reply { data: (!data.is_empty()).then_some(data), trailers: None }
    }

    /// `data`, then `trailers`.
    pub fn with_trailers(data: Bytes, trailers: HeaderMap) -> Reply {
        Reply { data: Some(data), trailers: Some(trailers) }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let reply = self.get_mut();
        let data = reply.data.take().map(Frame::data);
        Poll::Ready(data.or_else(|| reply.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.data.as_ref().map_or(0, Bytes::len) as u64)
    }
}
