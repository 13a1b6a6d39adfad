//! Limits that the kernel keeps.

use std::{fs, os::unix::fs::MetadataExt};

use nix::{
    sys::resource::{Resource, getrlimit, rlim_t, setrlimit},
    unistd::Uid,
};

use super::processes;
use crate::Limits;

/// A process that caught SIGXCPU is killed this many seconds of processor time later.
const HARD_CPU_MARGIN_SECONDS: u64 = 2;

/// Limits this process, and so the tool that it becomes. Returns what could not be had.
pub(super) fn apply(limits: &Limits) -> Vec<String> {
    let mut missing = Vec::new();
    let mut set = |name: &str, resource, soft: u64, hard: u64| {
        if let Err(error) = set_soft_and_hard(resource, soft, hard) {
            missing.push(format!("{name}: {error}"));
        }
    };
    set("core", Resource::RLIMIT_CORE, 0, 0);
    let output = limits.output_bytes();
    set("output_bytes", Resource::RLIMIT_FSIZE, output, output);
    if let Some(seconds) = limits.cpu_seconds {
        let hard = seconds.saturating_add(HARD_CPU_MARGIN_SECONDS);
        set("cpu_seconds", Resource::RLIMIT_CPU, seconds, hard);
    }
    if let Some(files) = limits.open_files {
        set("open_files", Resource::RLIMIT_NOFILE, files, files);
    }
    #[cfg(any(target_os = "linux", target_os = "freebsd", target_os = "macos"))]
    if let Some(processes) = limits.processes {
        // The kernel counts all that the account runs, not what the call runs.
        let most = running_for_this_account().saturating_add(processes);
        set("processes", Resource::RLIMIT_NPROC, most, most);
    }
    #[cfg(not(target_os = "openbsd"))]
    if let Some(bytes) = limits.memory_bytes {
        set("memory_bytes", Resource::RLIMIT_AS, bytes, bytes);
    }
    if limits.processes.is_some() && Uid::effective().is_root() {
        missing.push(
            "processes: the kernel does not count them for root; they are counted from outside, forty times a second"
                .to_owned(),
        );
    }
    missing
}

/// Sets a limit, but never above the one that holds already.
fn set_soft_and_hard(resource: Resource, soft: rlim_t, hard: rlim_t) -> nix::Result<()> {
    let (_, most) = getrlimit(resource)?;
    setrlimit(resource, soft.min(most), hard.min(most))
}

fn running_for_this_account() -> u64 {
    let own = Uid::current().as_raw();
    processes()
        .iter()
        .filter(|process| {
            fs::metadata(format!("/proc/{}", process.id)).is_ok_and(|entry| entry.uid() == own)
        })
        .map(|process| process.threads)
        .sum()
}
