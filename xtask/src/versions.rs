//! One version of the crates whose types must agree across the workspace.

use anyhow::bail;

const SINGLE: [&str; 6] = ["arrow-array", "datafusion", "object_store", "parquet", "prost", "tonic"];

/// Fails if `lock`, the text of `Cargo.lock`, holds two versions of a crate of which there must be one.
pub fn check(lock: &str) -> anyhow::Result<()> {
    for name in SINGLE {
        let line = format!("name = \"{name}\"");
        let count = lock.lines().filter(|candidate| *candidate == line).count();
        if count != 1 {
            bail!("Cargo.lock holds {count} versions of {name}; there must be one");
        }
    }
    println!("== one version each of {}", SINGLE.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_version_is_found() {
        let one: String = SINGLE.iter().map(|name| format!("[[package]]\nname = \"{name}\"\n")).collect();
        assert!(check(&one).is_ok());
        assert!(check(&format!("{one}name = \"prost\"\n")).is_err());
        assert!(check("").is_err());
    }
}
