//! Files of OTLP requests: each message after its length, as a protobuf varint.

/// The messages in `bytes`, in order. After an error nothing follows.
pub fn delimited(bytes: &[u8]) -> Delimited<'_> {
    Delimited { rest: bytes, offset: 0 }
}

/// A message after its length.
pub fn length_delimited(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 10);
    let mut length = message.len();
    while length >= 0x80 {
        bytes.push(length as u8 | 0x80);
        length >>= 7;
    }
    bytes.push(length as u8);
    bytes.extend_from_slice(message);
    bytes
}

/// See [`delimited`].
#[derive(Clone, Debug)]
pub struct Delimited<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// Why the rest of a file holds no message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelimitedError {
    /// There is no length.
    #[error("no message length at byte {offset}: is the file a sequence of length-delimited OTLP requests?")]
    Length {
        /// Where it should stand.
        offset: usize,
    },
    /// The file ends inside a message.
    #[error("the message at byte {offset} should have {length} bytes, but the file ends after {left}")]
    Truncated {
        /// Where its length stands.
        offset: usize,
        /// The bytes that the message should have.
        length: u64,
        /// The bytes that are there.
        left: usize,
    },
}

impl<'a> Iterator for Delimited<'a> {
    type Item = Result<&'a [u8], DelimitedError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let offset = self.offset;
        let Some((length, used)) = length_prefix(rest) else { return Some(Err(DelimitedError::Length { offset })) };
        let content = &rest[used..];
        let split = usize::try_from(length).ok().and_then(|length| content.split_at_checked(length));
        let Some((message, after)) = split else {
            return Some(Err(DelimitedError::Truncated { offset, length, left: content.len() }));
        };
        self.rest = after;
        self.offset += used + message.len();
        Some(Ok(message))
    }
}

/// The length that `bytes` start with, and how many bytes it takes.
fn length_prefix(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut length = 0u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((length, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_order() {
        let mut file = vec![3, b'a', b'b', b'c', 0, 0x80, 0x01];
        file.extend([b'x'; 128]);
        let messages: Vec<_> = delimited(&file).map(|message| message.expect("whole")).collect();
        assert_eq!(messages, [&b"abc"[..], b"", &[b'x'; 128]]);
    }

    #[test]
    fn what_is_written_is_read() {
        let long = vec![7; 70_000];
        let file = [length_delimited(b"abc"), length_delimited(b""), length_delimited(&long)].concat();
        let messages: Vec<_> = delimited(&file).map(|message| message.expect("whole")).collect();
        assert_eq!(messages, [&b"abc"[..], b"", &long]);
    }

    #[test]
    fn a_broken_file_gives_what_is_whole_and_then_one_error() {
        let mut messages = delimited(&[1, b'a', 5, b'b']);
        assert_eq!(messages.next(), Some(Ok(&b"a"[..])));
        assert_eq!(messages.next(), Some(Err(DelimitedError::Truncated { offset: 2, length: 5, left: 1 })));
        assert_eq!(messages.next(), None);
        let mut messages = delimited(&[0xff; 20]);
        assert_eq!(messages.next(), Some(Err(DelimitedError::Length { offset: 0 })));
        assert_eq!(messages.next(), None);
    }
}
