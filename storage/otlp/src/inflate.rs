//! Content encodings of requests, and their decompression within a bound.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

/// How the body of a request is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ContentEncoding {
    /// Not at all.
    #[default]
    Identity,
    /// RFC 1952, one or more members.
    Gzip,
    /// RFC 8878, one or more frames.
    Zstd,
    /// RFC 1950 (zlib), as HTTP means by `deflate`.
    Deflate,
}

/// A `Content-Encoding` that is not one of `identity`, `gzip`, `zstd`, `deflate`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("content encoding {0:?} is not supported; use gzip, zstd, deflate or identity")]
pub struct UnsupportedEncoding(String);

impl ContentEncoding {
    /// All encodings.
    pub const ALL: [ContentEncoding; 4] =
        [ContentEncoding::Identity, ContentEncoding::Gzip, ContentEncoding::Zstd, ContentEncoding::Deflate];

    /// The name in HTTP headers.
    pub fn as_str(self) -> &'static str {
        match self {
            ContentEncoding::Identity => "identity",
            ContentEncoding::Gzip => "gzip",
            ContentEncoding::Zstd => "zstd",
            ContentEncoding::Deflate => "deflate",
        }
    }

    /// The number in the journal. Never changes.
    pub fn code(self) -> u8 {
        match self {
            ContentEncoding::Identity => 0,
            ContentEncoding::Gzip => 1,
            ContentEncoding::Zstd => 2,
            ContentEncoding::Deflate => 3,
        }
    }

    /// The encoding with this number in the journal.
    pub fn from_code(code: u8) -> Option<ContentEncoding> {
        ContentEncoding::ALL.into_iter().find(|encoding| encoding.code() == code)
    }
}

impl fmt::Display for ContentEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads the value of a `Content-Encoding` or `grpc-encoding` header, of any case; empty means `identity`.
impl std::str::FromStr for ContentEncoding {
    type Err = UnsupportedEncoding;

    fn from_str(header: &str) -> Result<Self, UnsupportedEncoding> {
        let name = header.trim();
        if name.is_empty() {
            return Ok(ContentEncoding::Identity);
        }
        if name.eq_ignore_ascii_case("x-gzip") {
            return Ok(ContentEncoding::Gzip);
        }
        ContentEncoding::ALL
            .into_iter()
            .find(|encoding| name.eq_ignore_ascii_case(encoding.as_str()))
            .ok_or_else(|| UnsupportedEncoding(name.chars().take(80).collect()))
    }
}

/// Why a body cannot be decompressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InflateError {
    /// It is larger than allowed.
    #[error("the request is larger than {limit} bytes when decompressed")]
    TooLarge {
        /// The bytes allowed.
        limit: usize,
    },
    /// It is truncated, damaged, or not of its encoding.
    #[error("the request is not valid {encoding}: {problem}")]
    Malformed {
        /// The encoding that it should have.
        encoding: ContentEncoding,
        /// What is wrong.
        problem: String,
    },
}

/// What became of an attempt with a buffer of a certain size.
enum Attempt {
    Whole(Vec<u8>),
    /// The buffer was full before the end.
    Full,
}

type Attempted = Result<Attempt, String>;

/// Decompresses `body` to at the most `limit_bytes`.
///
/// It never holds more than `limit_bytes` and some hundred KiB, whatever the body claims: a buffer of the size that the
/// body suggests is filled, and where that was wrong, it is dropped and the work is done again with a larger one.
pub fn inflate(encoding: ContentEncoding, body: &[u8], limit_bytes: usize) -> Result<Cow<'_, [u8]>, InflateError> {
    let attempt = match encoding {
        ContentEncoding::Identity if body.len() <= limit_bytes => return Ok(Cow::Borrowed(body)),
        ContentEncoding::Identity => return Err(InflateError::TooLarge { limit: limit_bytes }),
        ContentEncoding::Gzip => gunzip,
        ContentEncoding::Zstd => unzstd,
        ContentEncoding::Deflate => inflate_zlib,
    };
    let mut size = expected_bytes(encoding, body).min(limit_bytes);
    loop {
        match attempt(body, size) {
            Ok(Attempt::Whole(bytes)) => return Ok(Cow::Owned(bytes)),
            Ok(Attempt::Full) if size == limit_bytes => return Err(InflateError::TooLarge { limit: limit_bytes }),
            Ok(Attempt::Full) => size = size.saturating_mul(8).min(limit_bytes),
            Err(problem) => return Err(InflateError::Malformed { encoding, problem }),
        }
    }
}

/// A guess of how large `body` gets, right for nearly all bodies.
fn expected_bytes(encoding: ContentEncoding, body: &[u8]) -> usize {
    let usual = body.len().saturating_mul(8).max(64 << 10);
    // No byte of deflate or zstd is believed to stand for more than this many; a forged size gets no large buffer.
    let most = body.len().saturating_mul(1100).max(64 << 10);
    let stated = match encoding {
        // The last four bytes of a gzip member are its size.
        ContentEncoding::Gzip => body.last_chunk().map(|bytes| u32::from_le_bytes(*bytes) as usize),
        ContentEncoding::Zstd => {
            zstd::zstd_safe::get_frame_content_size(body).ok().flatten().and_then(|size| usize::try_from(size).ok())
        }
        ContentEncoding::Identity | ContentEncoding::Deflate => None,
    };
    stated.filter(|&size| size > 0).unwrap_or(usual).min(most)
}

/// Buffers are a byte larger than the content may be, so that a content of just that size is seen to end.
fn buffer(size: usize) -> Vec<u8> {
    Vec::with_capacity(size.saturating_add(1))
}

fn gunzip(body: &[u8], size: usize) -> Attempted {
    let mut bytes = buffer(size);
    let mut decoder = MultiGzDecoder::new(body).take(size as u64 + 1);
    decoder.read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(if bytes.len() > size { Attempt::Full } else { Attempt::Whole(bytes) })
}

fn inflate_zlib(body: &[u8], size: usize) -> Attempted {
    let mut bytes = buffer(size);
    let mut decoder = Decompress::new(true);
    loop {
        let before = (decoder.total_in(), decoder.total_out());
        let rest = &body[decoder.total_in() as usize..];
        let status =
            decoder.decompress_vec(rest, &mut bytes, FlushDecompress::Finish).map_err(|error| error.to_string())?;
        if bytes.len() > size {
            return Ok(Attempt::Full);
        }
        let left = body.len() - decoder.total_in() as usize;
        match status {
            Status::StreamEnd if left == 0 => return Ok(Attempt::Whole(bytes)),
            Status::StreamEnd => return Err(format!("{left} bytes follow its end")),
            _ if before == (decoder.total_in(), decoder.total_out()) => return Err("it is truncated".into()),
            _ => {}
        }
    }
}

/// In one go: the output is its own window, so that a frame which asks for a window of gigabytes gets none.
fn unzstd(body: &[u8], size: usize) -> Attempted {
    let mut bytes = buffer(size);
    let mut context = zstd::zstd_safe::DCtx::create();
    match context.decompress(&mut bytes, body) {
        Ok(_) if body.is_empty() => Err("it is empty".into()),
        Ok(_) if bytes.len() > size => Ok(Attempt::Full),
        Ok(_) => Ok(Attempt::Whole(bytes)),
        Err(code) => match zstd::zstd_safe::get_error_name(code) {
            // The safe interface has no other way to tell errors apart.
            "Destination buffer is too small" => Ok(Attempt::Full),
            problem => Err(problem.to_lowercase()),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    const LIMIT: usize = 1 << 20;

    fn compressed(encoding: ContentEncoding, bytes: &[u8]) -> Vec<u8> {
        match encoding {
            ContentEncoding::Identity => bytes.to_vec(),
            ContentEncoding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).expect("in memory");
                encoder.finish().expect("in memory")
            }
            ContentEncoding::Zstd => zstd::encode_all(bytes, 1).expect("in memory"),
            ContentEncoding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).expect("in memory");
                encoder.finish().expect("in memory")
            }
        }
    }

    fn is_malformed(encoding: ContentEncoding, body: &[u8]) -> bool {
        matches!(inflate(encoding, body, LIMIT), Err(InflateError::Malformed { .. }))
    }

    #[test]
    fn every_encoding_gives_back_what_was_compressed() {
        for encoding in ContentEncoding::ALL {
            for size in [0, 1, 1000, 200_000] {
                let bytes: Vec<u8> = (0..size).map(|i: u32| (i.wrapping_mul(2654435761) >> 13) as u8).collect();
                let body = compressed(encoding, &bytes);
                assert_eq!(*inflate(encoding, &body, LIMIT).expect("valid"), bytes, "{encoding}, {size} bytes");
            }
        }
    }

    #[test]
    fn the_limit_is_exact() {
        for encoding in ContentEncoding::ALL {
            let body = compressed(encoding, &vec![b'x'; LIMIT]);
            assert_eq!(inflate(encoding, &body, LIMIT).expect("at the limit").len(), LIMIT, "{encoding}");
            let too_large = Err(InflateError::TooLarge { limit: LIMIT - 1 });
            assert_eq!(inflate(encoding, &body, LIMIT - 1), too_large, "{encoding}");
        }
    }

    #[test]
    fn truncated_and_damaged_bodies_are_malformed() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| (i.wrapping_mul(2654435761) >> 13) as u8).collect();
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Zstd, ContentEncoding::Deflate] {
            let body = compressed(encoding, &bytes);
            for end in [0, 1, 5, body.len() / 2, body.len() - 1] {
                assert!(is_malformed(encoding, &body[..end]), "{encoding} cut to {end} of {}", body.len());
            }
            assert!(is_malformed(encoding, &[&body[..], b"garbage"].concat()), "{encoding} with garbage after it");
            assert!(is_malformed(encoding, b"plain text"), "{encoding}");
        }
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Deflate] {
            let mut body = compressed(encoding, &bytes);
            let last = body.len() - 6;
            body[last] ^= 0xff;
            assert!(is_malformed(encoding, &body), "{encoding} with a wrong checksum");
        }
    }

    #[test]
    fn several_members_or_frames_are_one_body() {
        for encoding in [ContentEncoding::Gzip, ContentEncoding::Zstd] {
            let large = vec![b'a'; 300_000];
            let body = [compressed(encoding, &large), compressed(encoding, b"b")].concat();
            let expected = [&large[..], b"b"].concat();
            assert_eq!(*inflate(encoding, &body, LIMIT).expect("valid"), expected, "{encoding}");
        }
    }

    #[test]
    fn a_frame_without_its_size_grows_to_what_it_needs() {
        let bytes = vec![b'z'; LIMIT];
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).expect("an encoder");
        encoder.write_all(&bytes).expect("in memory");
        let body = encoder.finish().expect("in memory");
        assert_eq!(zstd::zstd_safe::get_frame_content_size(&body).ok().flatten(), None);
        assert_eq!(*inflate(ContentEncoding::Zstd, &body, LIMIT).expect("valid"), bytes);
    }

    #[test]
    fn a_window_of_gigabytes_costs_no_memory() {
        // Magic, a descriptor with no size and no checksum, a window of 2 GiB, one last raw block of 3 bytes.
        let body = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x19, 0x00, 0x00, b'a', b'b', b'c'];
        assert_eq!(*inflate(ContentEncoding::Zstd, &body, LIMIT).expect("valid"), *b"abc");
    }

    #[test]
    fn header_values_are_read_in_any_case() {
        assert_eq!("GZip".parse(), Ok(ContentEncoding::Gzip));
        assert_eq!(" zstd ".parse(), Ok(ContentEncoding::Zstd));
        assert_eq!("".parse(), Ok(ContentEncoding::Identity));
        let error = "br".parse::<ContentEncoding>().expect_err("not supported");
        assert!(error.to_string().contains("\"br\""), "{error}");
        for encoding in ContentEncoding::ALL {
            assert_eq!(encoding.as_str().parse(), Ok(encoding));
            assert_eq!(ContentEncoding::from_code(encoding.code()), Some(encoding));
        }
    }
}
