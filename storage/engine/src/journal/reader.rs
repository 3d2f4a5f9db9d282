//! Reading the frames of one journal file through a bounded window.

use std::io;

use memchr::memmem;

use super::disk::DiskFile;
use super::frame::{
    Entry, FILE_HEADER_BYTES, FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FileHeader, FileHeaderRead,
    FrameHeader, Stamp,
};

/// How much of the file is read at once.
const WINDOW_BYTES: usize = 1 << 20;
/// What a disk that has gone bad loses at once, at the least.
const SECTOR_BYTES: u64 = 512;
/// Where in a frame the id of its file stands.
const FILE_ID_AT: usize = 8;

/// A frame as it was written, and where the next one starts.
pub(super) struct Frame {
    pub stamp: Stamp,
    pub entry: Entry,
    pub end: u64,
}

/// Reads frames of a file. Holds a window of [`WINDOW_BYTES`] or of one frame, whichever is larger.
pub(super) struct FrameReader {
    file: Box<dyn DiskFile>,
    file_bytes: u64,
    file_id: u64,
    window: Vec<u8>,
    window_start: u64,
    unreadable: Option<io::Error>,
}

/// Reads the header of a file. One that cannot be read is damaged.
pub(super) fn read_header(file: &dyn DiskFile) -> FileHeaderRead {
    let mut bytes = [0; FILE_HEADER_BYTES];
    match file.read_at(0, &mut bytes).or_else(|_| file.read_at(0, &mut bytes)) {
        Ok(read) => FileHeader::decode(&bytes[..read]),
        Err(_) => FileHeaderRead::Damaged,
    }
}

/// The id of a file whose header is lost, as the first frame tells it. The place of the first frame is known, so
/// nothing that a sender wrote can stand there.
pub(super) fn file_id_of_first_frame(file: &dyn DiskFile) -> Option<u64> {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    let read = file.read_at(FILE_HEADER_BYTES as u64, &mut bytes).ok()?;
    if read < bytes.len() || bytes[..4] != FRAME_MAGIC {
        return None;
    }
    let mut id = [0; 8];
    id.copy_from_slice(&bytes[FILE_ID_AT..FILE_ID_AT + 8]);
    Some(u64::from_le_bytes(id))
}

/// Whether nothing was ever written where the first frame goes.
pub(super) fn has_no_frame(file: &dyn DiskFile) -> bool {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    file.read_at(FILE_HEADER_BYTES as u64, &mut bytes).is_ok_and(|read| bytes[..read].iter().all(|&byte| byte == 0))
}

impl FrameReader {
    pub(super) fn new(file: Box<dyn DiskFile>, file_id: u64) -> io::Result<FrameReader> {
        let file_bytes = file.bytes()?;
        Ok(FrameReader { file, file_bytes, file_id, window: Vec::new(), window_start: 0, unreadable: None })
    }

    /// Where the first frame starts.
    pub(super) fn start(&self) -> u64 {
        FILE_HEADER_BYTES as u64
    }

    /// The frame at `offset`; none when there is no whole and undamaged one.
    pub(super) fn frame_at(&mut self, offset: u64) -> Option<Frame> {
        let file_id = self.file_id;
        let header = FrameHeader::decode(self.bytes_at(offset, FRAME_HEADER_BYTES), file_id)?;
        let end = offset + header.frame_bytes() as u64;
        if end > self.file_bytes {
            return None;
        }
        let entry = header.entry(self.bytes_at(offset, header.frame_bytes()));
        entry.map(|entry| Frame { stamp: header.stamp, entry, end })
    }

    /// The place of the next undamaged frame at `from` or after it.
    pub(super) fn find_frame(&mut self, from: u64) -> Option<u64> {
        let pattern = self.file_id.to_le_bytes();
        let finder = memmem::Finder::new(&pattern);
        let mut offset = from.next_multiple_of(FRAME_ALIGNMENT as u64);
        while offset + FRAME_HEADER_BYTES as u64 <= self.file_bytes {
            let window = self.bytes_at(offset, WINDOW_BYTES);
            let Some(place) = finder.find(window) else {
                // The pattern may lie across the end of the window.
                let searched = window.len().saturating_sub(pattern.len() - 1).max(FRAME_ALIGNMENT);
                offset += (searched / FRAME_ALIGNMENT * FRAME_ALIGNMENT) as u64;
                continue;
            };
            let id_at = offset + place as u64;
            let candidate = id_at.saturating_sub(FILE_ID_AT as u64);
            if candidate >= from
                && candidate.is_multiple_of(FRAME_ALIGNMENT as u64)
                && self.frame_at(candidate).is_some()
            {
                return Some(candidate);
            }
            offset = (id_at + 1).next_multiple_of(FRAME_ALIGNMENT as u64);
        }
        None
    }

    /// Makes what was read durable: after a crash of the program alone, the end of the file may be in the system's
    /// memory only.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Why a part of the file could not be read, if so; what was in it is taken for damaged.
    pub(super) fn unreadable(&self) -> Option<&io::Error> {
        self.unreadable.as_ref()
    }

    pub(super) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// `len` bytes from `offset` on, fewer at the end of the file. Parts that cannot be read are zero.
    fn bytes_at(&mut self, offset: u64, len: usize) -> &[u8] {
        let len = usize::try_from(self.file_bytes.saturating_sub(offset)).unwrap_or(usize::MAX).min(len);
        let held_to = self.window_start + self.window.len() as u64;
        if offset < self.window_start || offset + len as u64 > held_to {
            self.window.clear();
            let wanted = len.max(WINDOW_BYTES).min((self.file_bytes - offset.min(self.file_bytes)) as usize);
            self.window.shrink_to(wanted.max(WINDOW_BYTES));
            self.window.resize(wanted, 0);
            self.window_start = offset;
            match self.file.read_at(offset, &mut self.window) {
                Ok(read) => self.window.truncate(read),
                Err(error) => {
                    read_in_pieces(self.file.as_ref(), offset, &mut self.window);
                    self.unreadable.get_or_insert(error);
                }
            }
        }
        let start = (offset - self.window_start) as usize;
        &self.window[start.min(self.window.len())..self.window.len().min(start + len)]
    }
}

/// Fills `into` sector by sector; those that cannot be read, also not when tried again, are zero.
fn read_in_pieces(file: &dyn DiskFile, offset: u64, into: &mut [u8]) {
    let mut at = 0;
    while at < into.len() {
        let sector_end = (offset + at as u64 + 1).next_multiple_of(SECTOR_BYTES);
        let end = into.len().min((sector_end - offset) as usize);
        let start = offset + at as u64;
        let piece = &mut into[at..end];
        if file.read_at(start, piece).or_else(|_| file.read_at(start, piece)).is_err() {
            piece.fill(0);
        }
        at = end;
    }
}
