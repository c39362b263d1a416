//! Where something was left behind: files, and the memory of a process.

use std::fs::{self, File};
use std::io::{self, BufRead as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Read at once; neighbours overlap, so that nothing is missed at a seam.
const CHUNK: u64 = 1024 * 1024;

/// Whether the bytes stand somewhere in the others.
pub fn appears_in(needle: &[u8], haystack: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return true;
    };
    let mut rest = haystack;
    loop {
        let from = rest;
        // Goes from one first byte to the next many times faster than a loop of
        // ours, and there is much to go through.
        match rest.skip_until(*first) {
            Ok(skipped) if skipped > 0 => {
                if from[skipped - 1..].starts_with(needle) {
                    return true;
                }
            }
            Ok(_) | Err(_) => return false,
        }
    }
}

/// Every file in a folder and those below it.
pub fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(files)
}

/// Everything that a process could read of itself: one piece for each mapping.
pub fn memory_of(pid: u32) -> anyhow::Result<Vec<Vec<u8>>> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let memory = File::open(format!("/proc/{pid}/mem"))
        .context("another process's memory takes CAP_SYS_PTRACE: run as root")?;
    let mut pieces = Vec::new();
    for line in maps.lines() {
        let mut fields = line.split_ascii_whitespace();
        let range = fields.next().and_then(|range| range.split_once('-'));
        let is_readable = fields.next().is_some_and(|flags| flags.starts_with('r'));
        let (Some((start, end)), true) = (range, is_readable) else {
            continue;
        };
        // The kernel's own pages cannot be read this way.
        if line.ends_with("[vvar]") || line.ends_with("[vsyscall]") {
            continue;
        }
        let (start, end) = (
            u64::from_str_radix(start, 16)?,
            u64::from_str_radix(end, 16)?,
        );
        pieces.push(read_range(&memory, start, end));
    }
    Ok(pieces)
}

/// How the kernel treats each mapping of a process in which the bytes stand: the
/// words of `VmFlags`, `lo` for locked, `dd` for left out of core files, `wf` for
/// wiped in a child (proc(5)).
pub fn kept_in(pid: u32, needle: &[u8]) -> anyhow::Result<Vec<String>> {
    let mappings = fs::read_to_string(format!("/proc/{pid}/smaps"))?;
    let memory = File::open(format!("/proc/{pid}/mem"))?;
    let mut kept = Vec::new();
    let mut range = None;
    for line in mappings.lines() {
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let (start, end) = range.take().context("a mapping has a head")?;
            if flags.contains(" rd") && appears_in(needle, &read_range(&memory, start, end)) {
                kept.push(flags.trim().to_owned());
            }
        } else if let Some(found) = range_of(line) {
            range = Some(found);
        }
    }
    Ok(kept)
}

/// `7f0c4a000000-7f0c4a021000 rw-p …`, the head of a mapping.
fn range_of(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    Some((address(start)?, address(end)?))
}

/// What can be read of a range; pages that went away in between are left out.
fn read_range(memory: &File, start: u64, end: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = start;
    while at < end {
        let length = usize::try_from((end - at).min(CHUNK)).unwrap_or_default();
        let mut chunk = vec![0; length];
        match memory.read_at(&mut chunk, at) {
            Ok(read) if read > 0 => {
                bytes.extend_from_slice(&chunk[..read]);
                at += read as u64;
            }
            Ok(_) | Err(_) => at += 4096,
        }
    }
    bytes
}

/// Memory of a process that is in use now.
pub fn resident_kilobytes(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|value| value.trim().strip_suffix("kB"))
        .and_then(|value| value.trim().parse().ok())
        .context("the kernel says how much memory is in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_found_wherever_they_stand() {
        for haystack in ["needle", "xneedle", "needlex", "neneedle", "nneedl needle"] {
            assert!(appears_in(b"needle", haystack.as_bytes()), "{haystack}");
        }
    }

    #[test]
    fn bytes_that_are_not_there_are_not_found() {
        for haystack in ["", "n", "needl", "eedle", "needlneedl"] {
            assert!(!appears_in(b"needle", haystack.as_bytes()), "{haystack}");
        }
    }
}
