//! What a process has used, from `/proc`.

use anyhow::Context;

/// CPU seconds (user and system) that the process `id` has used.
pub fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let (_, fields) = stat.rsplit_once(')').context("no process name in stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok()).context("no times in stat");
    // Linux counts 100 ticks a second on every platform that we run on.
    Ok((ticks()? + ticks()?) / 100.0)
}

/// The largest resident set that the process `id` has had, in MiB.
pub fn peak_rss_mib(id: u32) -> anyhow::Result<f64> {
    status(id, "VmHWM:")
}

/// The resident set of the process `id`, in MiB.
pub fn rss_mib(id: u32) -> anyhow::Result<f64> {
    status(id, "VmRSS:")
}

fn status(id: u32, name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).context("not in status")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}

/// Forgets the largest resident set so far of the process `id`.
pub fn reset_peak(id: u32) -> anyhow::Result<()> {
    std::fs::write(format!("/proc/{id}/clear_refs"), "5").context("could not reset the peak of resident memory")
}
