//! The five bytes before a gRPC message (gRPC over HTTP/2, "Length-Prefixed-Message").

use bytes::{Bytes, BytesMut};
use tracewell_otlp::ContentEncoding;

use crate::body::GRPC_PREFIX_BYTES;
use crate::decode::Message;
use crate::refusal::Refusal;

/// The one message of a unary request; `encoding` is what the headers say about messages that are compressed.
pub(crate) fn unframe(body: Bytes, encoding: ContentEncoding) -> Result<Message, Refusal> {
    let Some((prefix, rest)) = body.split_first_chunk::<GRPC_PREFIX_BYTES>() else {
        let message = if body.is_empty() {
            "the call has no message: Export takes one".to_owned()
        } else {
            format!("the message breaks off after {} of the {GRPC_PREFIX_BYTES} bytes of its prefix", body.len())
        };
        return Err(Refusal::malformed(message));
    };
    let announced = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    if rest.len() < announced {
        let message = format!("the message breaks off after {} of {announced} bytes", rest.len());
        return Err(Refusal::malformed(message));
    }
    if rest.len() > announced {
        return Err(Refusal::malformed("the call has more than one message: Export takes one"));
    }
    let encoding = match prefix[0] {
        0 => ContentEncoding::Identity,
        1 if encoding != ContentEncoding::Identity => encoding,
        1 => return Err(Refusal::malformed("the message is compressed, but grpc-encoding does not say how")),
        flag => {
            return Err(Refusal::malformed(format!("the prefix of the message has the flag {flag}: expected 0 or 1")));
        }
    };
    Ok(Message { encoding, bytes: body.slice(GRPC_PREFIX_BYTES..) })
}

/// An uncompressed message with its prefix.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(GRPC_PREFIX_BYTES + message.len());
    framed.extend_from_slice(&[0]);
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_message_is_taken_and_anything_else_refused() {
        let message = unframe(frame(b"abc"), ContentEncoding::Gzip).expect("a message");
        assert_eq!((message.encoding, &message.bytes[..]), (ContentEncoding::Identity, &b"abc"[..]));
        let compressed = Bytes::from_static(&[1, 0, 0, 0, 1, 7]);
        let message = unframe(compressed.clone(), ContentEncoding::Gzip).expect("a message");
        assert_eq!(message.encoding, ContentEncoding::Gzip);
        for (body, complaint) in [
            (compressed, "grpc-encoding"),
            (Bytes::new(), "no message"),
            (Bytes::from_static(&[0, 0]), "2 of the 5"),
            (Bytes::from_static(&[0, 0, 0, 0, 2, 7]), "1 of 2"),
            (Bytes::from_static(&[0, 0, 0, 0, 1, 7, 0]), "more than one"),
            (Bytes::from_static(&[2, 0, 0, 0, 0]), "flag 2"),
        ] {
            let refusal = unframe(body, ContentEncoding::Identity).expect_err(complaint);
            assert!(refusal.message.contains(complaint), "{refusal}");
        }
    }
}
