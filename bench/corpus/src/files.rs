//! A corpus on disk: files of length-delimited requests, compressed by zstd, and `truth.json`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::generate::{Plan, Signal, generate};
use crate::truth::Truth;
use crate::wire;

/// Records in a file.
const RECORDS_A_FILE: u64 = 1_000_000;

/// The files of a corpus.
#[derive(Clone, Debug, Default)]
pub struct Files {
    pub traces: Vec<PathBuf>,
    pub logs: Vec<PathBuf>,
}

impl Files {
    /// The files of the corpus in `folder`, and what is known of it.
    pub fn open(folder: &Path) -> anyhow::Result<(Files, Truth)> {
        let truth = folder.join("truth.json");
        let truth = std::fs::read(&truth).with_context(|| format!("no corpus: could not read {}", truth.display()))?;
        let mut files = Files::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            match name.split_once('-') {
                Some(("traces", _)) => files.traces.push(path.clone()),
                Some(("logs", _)) => files.logs.push(path.clone()),
                _ => {}
            }
        }
        files.traces.sort();
        files.logs.sort();
        Ok((files, serde_json::from_slice(&truth)?))
    }
}

/// Makes the corpus of `plan` in `folder`, which is created.
pub fn write_files(plan: &Plan, folder: &Path) -> anyhow::Result<Truth> {
    std::fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    let empty = std::fs::read_dir(folder)?.next().is_none();
    ensure!(empty, "{} is not empty: name a new folder", folder.display());
    let mut writers = [Writer::new(folder, "traces"), Writer::new(folder, "logs")];
    let truth = generate(plan, &mut |signal, request, records| {
        writers[usize::from(signal == Signal::Logs)].write(request, records)
    })?;
    writers.into_iter().try_for_each(Writer::close)?;
    std::fs::write(folder.join("truth.json"), serde_json::to_vec_pretty(&truth)?)?;
    Ok(truth)
}

struct Writer {
    folder: PathBuf,
    name: &'static str,
    number: u32,
    records: u64,
    file: Option<zstd::Encoder<'static, BufWriter<File>>>,
    length: Vec<u8>,
}

impl Writer {
    fn new(folder: &Path, name: &'static str) -> Writer {
        Writer { folder: folder.to_owned(), name, number: 0, records: 0, file: None, length: Vec::new() }
    }

    fn write(&mut self, request: &[u8], records: u64) -> anyhow::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let path = self.folder.join(format!("{}-{:04}.otlp.zst", self.name, self.number));
                self.number += 1;
                none.insert(zstd::Encoder::new(BufWriter::new(File::create(path)?), 1)?)
            }
        };
        self.length.clear();
        wire::varint(&mut self.length, request.len() as u64);
        file.write_all(&self.length)?;
        file.write_all(request)?;
        self.records += records;
        if self.records >= RECORDS_A_FILE {
            self.records = 0;
            if let Some(file) = self.file.take() {
                file.finish()?.flush()?;
            }
        }
        Ok(())
    }

    fn close(mut self) -> anyhow::Result<()> {
        match self.file.take() {
            Some(file) => Ok(file.finish()?.flush()?),
            None => Ok(()),
        }
    }
}

/// Reads the requests of a file, one after the other.
pub fn read_requests(file: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Vec<u8>>> + use<>> {
    let mut input = BufReader::new(File::open(file).with_context(|| format!("could not open {}", file.display()))?);
    let compressed = input.fill_buf()?.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
    let mut input: Box<dyn Read + Send> = if compressed {
        Box::new(BufReader::with_capacity(1 << 20, zstd::Decoder::with_buffer(input)?))
    } else {
        Box::new(input)
    };
    Ok(std::iter::from_fn(move || next_request(&mut input).transpose()))
}

fn next_request(input: &mut dyn Read) -> anyhow::Result<Option<Vec<u8>>> {
    let mut length = 0_u64;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            ensure!(shift == 0, "the file ends inside a length");
            return Ok(None);
        }
        length |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            break;
        }
    }
    ensure!(length < 1 << 30, "a request of {length} bytes");
    let mut request = vec![0; length as usize];
    input.read_exact(&mut request).context("the file ends inside a request")?;
    Ok(Some(request))
}
