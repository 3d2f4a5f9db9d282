//! Copying files so that the copies survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Makes a directory and those above it, where they are missing.
pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// Copies a file, making the directories that lead to it; the bytes copied. Its content is durable, its name is after
/// [`sync_directories`].
pub(super) fn copy_durably(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = File::open(from)?;
    to.parent().map_or(Ok(()), make_directory)?;
    let mut target = File::create_new(to)?;
    let bytes = io::copy(&mut source, &mut target)?;
    target.sync_all()?;
    Ok(bytes)
}

/// All files below a directory. Links are not followed.
pub(super) fn files_below(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    visit(directory, &mut |path, is_file| {
        if is_file {
            files.push(path.to_owned());
        }
        Ok(())
    })?;
    Ok(files)
}

/// Makes the names of all files below a directory durable, and its own.
pub(super) fn sync_directories(directory: &Path) -> io::Result<()> {
    visit(directory, &mut |path, is_file| if is_file { Ok(()) } else { File::open(path)?.sync_all() })?;
    File::open(directory)?.sync_all()?;
    let above = directory.canonicalize()?;
    above.parent().map_or(Ok(()), |above| File::open(above)?.sync_all())
}

/// Visits what is below a directory, and says of each whether it is a file; anything but files and directories is passed
/// over.
fn visit(directory: &Path, found: &mut dyn FnMut(&Path, bool) -> io::Result<()>) -> io::Result<()> {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let kind = match entry.file_type() {
                // A file of a running store may go at any time.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                kind => kind?,
            };
            if kind.is_dir() {
                found(&entry.path(), false)?;
                directories.push(entry.path());
            } else if kind.is_file() {
                found(&entry.path(), true)?;
            }
        }
    }
    Ok(())
}
