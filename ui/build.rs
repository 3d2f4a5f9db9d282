//! Builds the web UI with npm and lists its files for `embed/`.
//!
//! The build goes to `OUT_DIR`, so profiles and targets do not disturb each other; only `node_modules` is shared, under a
//! file lock. Cargo runs this again when a source of the UI changed, and not otherwise.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the built files depend on, besides the versions of the tools.
const SOURCES: [&str; 8] = [
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "scripts/compress.mjs",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];

const NODE_MAJOR_MIN: u32 = 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    if let Err(error) = build() {
        for line in error.to_string().lines() {
            println!("cargo::error={line}");
        }
        std::process::exit(1);
    }
}

fn build() -> Result<()> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let dist = out.join("dist");
    check_node()?;
    install(&root)?;
    run(&root, "node", &["node_modules/vite/bin/vite.js", "build", "--emptyOutDir", "--outDir", text(&dist)?])?;
    run(&root, "node", &["scripts/compress.mjs", text(&dist)?])?;
    fs::write(out.join("assets.rs"), table(&dist)?)?;
    Ok(())
}

/// Fails with a sentence about what to install when Node.js is missing or too old.
fn check_node() -> Result<()> {
    let advice = format!("install Node.js {NODE_MAJOR_MIN} or newer (https://nodejs.org); it builds the web UI");
    let version = match Command::new("node").arg("--version").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => return Err(format!("cannot run `node`: {error}\n{advice}").into()),
    };
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    match major {
        Some(major) if major >= NODE_MAJOR_MIN => Ok(()),
        _ => Err(format!("`node` is version {version:?}\n{advice}").into()),
    }
}

/// Runs `npm ci` unless the installed packages are those of the lock file already.
fn install(root: &Path) -> Result<()> {
    let modules = root.join("node_modules");
    fs::create_dir_all(&modules)?;
    // Another cargo (a different target folder, an editor) may be at the same place; the lock lives beside the
    // folder that `npm ci` empties.
    let guard = File::create(root.join(".npm-install.lock"))?;
    guard.lock()?;
    let stamp = modules.join(".tracewell-installed");
    let wanted = fs::read(root.join("package-lock.json"))?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) && modules.join("vite").is_dir() {
        return Ok(());
    }
    run(root, npm(), &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--include=dev"])?;
    fs::write(stamp, wanted)?;
    Ok(())
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}

fn run(root: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let line = format!("{program} {}", arguments.join(" "));
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run `{line}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("`{line}` in {} failed ({}):\n{}", root.display(), output.status, String::from_utf8_lossy(&said))
        .into())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is not valid UTF-8", path.display()).into())
}

/// The Rust source of a slice of `Asset`, sorted by path. Files are named relative to it, so that a build directory can
/// be moved.
fn table(dist: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(dist, &mut files)?;
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let path = text(file.strip_prefix(dist)?)?.replace('\\', "/");
        let mut hasher = DefaultHasher::new();
        fs::read(&file)?.hash(&mut hasher);
        writeln!(
            source,
            "Asset {{ path: {:?}, content_type: {:?}, etag: {:?}, identity: include_bytes!({:?}), \
             brotli: include_bytes!({:?}), gzip: include_bytes!({:?}) }},",
            format!("/{path}"),
            content_type(&path)?,
            format!("\"{:016x}\"", hasher.finish()),
            format!("dist/{path}"),
            format!("dist/{path}.br"),
            format!("dist/{path}.gz"),
        )?;
    }
    source.push_str("]\n");
    Ok(source)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if !path.extension().is_some_and(|extension| extension == "br" || extension == "gz") {
            files.push(path);
        }
    }
    Ok(())
}

fn content_type(path: &str) -> Result<&'static str> {
    Ok(match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return Err(format!("ui/build.rs knows no content type for {path}; add one").into()),
    })
}
