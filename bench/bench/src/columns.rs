//! The bytes of segments on disk, by column and part.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

/// Bytes by part: `rows: <column>`, `rows: footers`, `scopes`, `index`.
pub type Parts = BTreeMap<String, u64>;

/// The parts of all segments of one signal below a data directory.
pub fn parts(data: &Path, signal: &str) -> anyhow::Result<(usize, Parts)> {
    let mut parts = Parts::new();
    let mut segments = 0;
    for segment in std::fs::read_dir(data.join("segments/default").join(signal))? {
        let segment = segment?.path();
        // The objects of merged segments are deleted, their folders may stay.
        segments += usize::from(segment.join("rows.parquet").exists());
        for file in std::fs::read_dir(&segment)? {
            let file = file?;
            let bytes = file.metadata()?.len();
            let name = file.file_name().to_string_lossy().into_owned();
            if name == "rows.parquet" {
                rows(&file.path(), bytes, &mut parts)?;
            } else {
                *parts.entry(name.trim_end_matches(".parquet").to_owned()).or_default() += bytes;
            }
        }
    }
    Ok((segments, parts))
}

fn rows(file: &Path, bytes: u64, parts: &mut Parts) -> anyhow::Result<()> {
    let reader = SerializedFileReader::new(File::open(file)?)?;
    let mut rest = bytes;
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let name = column.column_path().parts().first().map_or("", String::as_str);
            let size = u64::try_from(column.compressed_size())?;
            *parts.entry(format!("rows: {name}")).or_default() += size;
            rest = rest.saturating_sub(size);
        }
    }
    *parts.entry("rows: footers".to_owned()).or_default() += rest;
    Ok(())
}

/// Prints bytes for each of `records`, the largest parts first.
pub fn print(what: &str, parts: &Parts, records: u64) {
    let mut by_size: Vec<(&String, &u64)> = parts.iter().collect();
    by_size.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    println!("\nbytes of a {what} by column:");
    for (name, bytes) in by_size {
        let each = *bytes as f64 / records.max(1) as f64;
        if each >= 0.005 {
            println!("  {each:>8.2}  {name}");
        }
    }
}
