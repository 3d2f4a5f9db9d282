//! The bytes of the journal: the header of a file and the frame of a request. `docs/formats/journal.md` is the contract.

use bytes::Bytes;
use tracewell_model::{Signal, TenantId, UnixNanos};
use tracewell_otlp::ContentEncoding;

use crate::bugs::{Bug, planted};

/// The length of the header of a file.
pub(crate) const FILE_HEADER_BYTES: usize = 64;
/// The length of the fixed part of a frame's header.
pub(crate) const FRAME_HEADER_BYTES: usize = 72;
/// Frames start at multiples of this.
pub(crate) const FRAME_ALIGNMENT: usize = 8;
/// What every frame starts with.
pub(crate) const FRAME_MAGIC: [u8; 4] = *b"TWJF";

const FILE_MAGIC: [u8; 8] = *b"TWJOURNL";
const VERSION: u16 = 1;
const TENANT_BYTES_MAX: usize = 150;
/// What a body is when inflated: an OTLP export request in protobuf.
const FORMAT_OTLP_PROTOBUF: u8 = 1;

/// The header of a journal file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// The number in its name.
    pub number: u64,
    /// Drawn at random for the file; every frame of it repeats it. So nothing that a sender put into a request, and
    /// no remains of an older file, can pass for a frame.
    pub file_id: u64,
    /// The sequence number of its first frame. Frames of earlier files from this number on are void.
    pub first_sequence: u64,
    /// When it was made.
    pub created_at: UnixNanos,
}

/// What a file's header can be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FileHeaderRead {
    /// A header.
    Valid(FileHeader),
    /// Nothing was written: the file was being made when the machine stopped.
    Blank,
    /// The file was written by a later version of the program.
    TooNew(u16),
    /// Damaged.
    Damaged,
}

impl FileHeader {
    pub(crate) fn encode(&self) -> [u8; FILE_HEADER_BYTES] {
        let mut bytes = [0; FILE_HEADER_BYTES];
        bytes[0..8].copy_from_slice(&FILE_MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.number.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.file_id.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.first_sequence.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.created_at.0.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> FileHeaderRead {
        if bytes.iter().all(|&byte| byte == 0) {
            return FileHeaderRead::Blank;
        }
        if bytes.len() < FILE_HEADER_BYTES || bytes[0..8] != FILE_MAGIC {
            return FileHeaderRead::Damaged;
        }
        if u32_at(bytes, 60) != crc32fast::hash(&bytes[..60]) {
            return FileHeaderRead::Damaged;
        }
        let version = u16_at(bytes, 8);
        if version != VERSION {
            return FileHeaderRead::TooNew(version);
        }
        FileHeaderRead::Valid(FileHeader {
            number: u64_at(bytes, 16),
            file_id: u64_at(bytes, 24),
            first_sequence: u64_at(bytes, 32),
            created_at: UnixNanos(u64_at(bytes, 40)),
        })
    }
}

/// A request as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Whose it is.
    pub tenant: TenantId,
    /// What its records are.
    pub signal: Signal,
    /// How `body` is compressed.
    pub encoding: ContentEncoding,
    /// When it was received.
    pub received_at: UnixNanos,
    /// Tells it apart from other requests.
    pub request_hash: u128,
    /// The request as received.
    pub body: Bytes,
}

impl Entry {
    /// The length of its frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        (FRAME_HEADER_BYTES + self.tenant.as_str().len() + self.body.len()).next_multiple_of(FRAME_ALIGNMENT)
    }

    /// Appends its frame to `out`, whose length is a multiple of [`FRAME_ALIGNMENT`].
    pub(crate) fn encode(&self, stamp: Stamp, out: &mut Vec<u8>) {
        let start = out.len();
        let tenant = self.tenant.as_str().as_bytes();
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&stamp.file_id.to_le_bytes());
        out.extend_from_slice(&stamp.sequence.to_le_bytes());
        out.extend_from_slice(&stamp.durable_through.to_le_bytes());
        out.extend_from_slice(&self.received_at.0.to_le_bytes());
        out.extend_from_slice(&self.request_hash.to_le_bytes());
        // A body is bounded by the memory budget, far below 4 GiB.
        out.extend_from_slice(&(self.body.len() as u32).to_le_bytes());
        out.extend_from_slice(&(tenant.len() as u16).to_le_bytes());
        out.push(signal_number(self.signal));
        out.push(self.encoding.code());
        out.push(FORMAT_OTLP_PROTOBUF);
        out.extend_from_slice(&[0; 7]);
        debug_assert_eq!(out.len() - start, FRAME_HEADER_BYTES);
        out.extend_from_slice(tenant);
        out.extend_from_slice(&self.body);
        let checksum = crc32fast::hash(&out[start + 8..]);
        out[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
        out.resize(start + self.frame_bytes(), 0);
    }
}

/// What the journal adds to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// See [`FileHeader::file_id`].
    pub file_id: u64,
    /// Its place in the order of all requests, counted from 1.
    pub sequence: u64,
    /// Everything up to this sequence number was durable before this frame was written.
    pub durable_through: u64,
}

/// The fixed part of a frame's header, unverified but for its own sense.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHeader {
    pub stamp: Stamp,
    checksum: u32,
    received_at: UnixNanos,
    request_hash: u128,
    body_bytes: usize,
    tenant_bytes: usize,
    signal: Signal,
    encoding: ContentEncoding,
}

impl FrameHeader {
    /// Reads the header at the beginning of `bytes`; none when there is no sensible one of the file `file_id`.
    pub(crate) fn decode(bytes: &[u8], file_id: u64) -> Option<FrameHeader> {
        if bytes.len() < FRAME_HEADER_BYTES || bytes[0..4] != FRAME_MAGIC || u64_at(bytes, 8) != file_id {
            return None;
        }
        let tenant_bytes = usize::from(u16_at(bytes, 60));
        if tenant_bytes == 0 || tenant_bytes > TENANT_BYTES_MAX || bytes[64] != FORMAT_OTLP_PROTOBUF {
            return None;
        }
        Some(FrameHeader {
            stamp: Stamp { file_id, sequence: u64_at(bytes, 16), durable_through: u64_at(bytes, 24) },
            checksum: u32_at(bytes, 4),
            received_at: UnixNanos(u64_at(bytes, 32)),
            request_hash: u128::from(u64_at(bytes, 40)) | u128::from(u64_at(bytes, 48)) << 64,
            body_bytes: u32_at(bytes, 56) as usize,
            tenant_bytes,
            signal: signal_of(bytes[62])?,
            encoding: ContentEncoding::from_code(bytes[63])?,
        })
    }

    /// The length of the whole frame.
    pub(crate) fn frame_bytes(&self) -> usize {
        (FRAME_HEADER_BYTES + self.tenant_bytes + self.body_bytes).next_multiple_of(FRAME_ALIGNMENT)
    }

    /// The entry, if `frame`, which holds the whole frame, is as it was written.
    pub(crate) fn entry(&self, frame: &[u8]) -> Option<Entry> {
        let body_start = FRAME_HEADER_BYTES + self.tenant_bytes;
        let end = body_start + self.body_bytes;
        if frame.len() < end || (crc32fast::hash(&frame[8..end]) != self.checksum && !planted(Bug::IgnoredChecksum)) {
            return None;
        }
        let tenant = std::str::from_utf8(&frame[FRAME_HEADER_BYTES..body_start]).ok()?;
        Some(Entry {
            tenant: TenantId::new(tenant).ok()?,
            signal: self.signal,
            encoding: self.encoding,
            received_at: self.received_at,
            request_hash: self.request_hash,
            body: Bytes::copy_from_slice(&frame[body_start..end]),
        })
    }
}

fn signal_number(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Logs => 2,
    }
}

fn signal_of(number: u8) -> Option<Signal> {
    match number {
        1 => Some(Signal::Traces),
        2 => Some(Signal::Logs),
        _ => None,
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            tenant: TenantId::new("team-a").expect("legal"),
            signal: Signal::Logs,
            encoding: ContentEncoding::Zstd,
            received_at: UnixNanos(0x0102_0304_0506_0708),
            request_hash: 0xf0e0_d0c0_b0a0_9080_7060_5040_3020_1000,
            body: Bytes::from_static(b"ResourceLogs of a test"),
        }
    }

    const STAMP: Stamp = Stamp { file_id: 0x1122_3344_5566_7788, sequence: 42, durable_through: 40 };

    #[test]
    fn the_bytes_of_a_frame_are_those_of_the_format() {
        let mut bytes = Vec::new();
        entry().encode(STAMP, &mut bytes);
        let expected = "54574a46ac0a2ef98877665544332211\
                        2a000000000000002800000000000000\
                        08070605040302010010203040506070\
                        8090a0b0c0d0e0f01600000006000202\
                        01000000000000007465616d2d615265\
                        736f757263654c6f6773206f66206120\
                        7465737400000000";
        let written: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_frame_is_read_back_as_it_was() {
        let mut bytes = Vec::new();
        entry().encode(STAMP, &mut bytes);
        assert_eq!(bytes.len(), entry().frame_bytes());
        let header = FrameHeader::decode(&bytes, STAMP.file_id).expect("a header");
        assert_eq!(header.stamp, STAMP);
        assert_eq!(header.frame_bytes(), bytes.len());
        assert_eq!(header.entry(&bytes), Some(entry()));
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_noticed() {
        let mut bytes = Vec::new();
        entry().encode(STAMP, &mut bytes);
        let end = FRAME_HEADER_BYTES + entry().tenant.as_str().len() + entry().body.len();
        for bit in 0..end * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let read = FrameHeader::decode(&bytes, STAMP.file_id).and_then(|header| header.entry(&bytes));
            assert_eq!(read, None, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_frame_of_another_file_is_none() {
        let mut bytes = Vec::new();
        entry().encode(STAMP, &mut bytes);
        assert!(FrameHeader::decode(&bytes, STAMP.file_id + 1).is_none());
    }

    #[test]
    fn a_file_header_is_read_back_and_every_flipped_bit_noticed() {
        let header = FileHeader { number: 7, file_id: 99, first_sequence: 1000, created_at: UnixNanos(5) };
        let mut bytes = header.encode();
        assert_eq!(FileHeader::decode(&bytes), FileHeaderRead::Valid(header));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FileHeader::decode(&bytes), FileHeaderRead::Damaged, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert_eq!(FileHeader::decode(&[0; FILE_HEADER_BYTES]), FileHeaderRead::Blank);
        assert_eq!(FileHeader::decode(&[]), FileHeaderRead::Blank);
        assert_eq!(FileHeader::decode(&header.encode()[..40]), FileHeaderRead::Damaged);
    }
}
