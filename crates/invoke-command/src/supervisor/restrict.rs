//! The sandbox, from inside.

use crate::{Sandbox, SandboxReport};

/// Restricts this process, and so the tool that it becomes, for good.
pub(super) fn apply(sandbox: &Sandbox) -> SandboxReport {
    match sandbox {
        Sandbox::Unrestricted => SandboxReport::not_restricted(),
        Sandbox::WritesBelow(paths) => system::writes_below(paths),
    }
}

/// Forbids gaining rights by executing a program, and asks to be killed with the supervisor. Returns what could not be
/// had.
pub(super) fn tie_to_supervisor() -> Vec<String> {
    system::tie_to_supervisor()
}

/// Makes this process the parent of every orphan below it.
pub(crate) fn adopt_orphans() -> Result<(), String> {
    system::adopt_orphans()
}

#[cfg(target_os = "linux")]
mod system {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
        RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
        Scope,
    };
    use nix::sys::{prctl, signal::Signal};

    use crate::SandboxReport;

    /// The newest interface whose meaning was looked at. Later ones restrict sockets too.
    const KNOWN: ABI = ABI::V7;

    /// They keep nothing of what is written to them.
    const DEVICES: [&str; 6] = [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/tty",
        "/dev/random",
        "/dev/urandom",
    ];

    /// What a newer kernel would have restricted as well.
    const SINCE: [(u32, &str); 4] = [
        (2, "renaming between folders is refused even inside"),
        (3, "truncating files"),
        (5, "commands to devices (ioctl)"),
        (6, "signals to processes outside"),
    ];

    /// What no version of it restricts.
    const NEVER: [&str; 2] = [
        "file attributes (owner, permissions, times)",
        "connections, sockets of this machine included: who listens there may write for the tool",
    ];

    pub(super) fn writes_below(paths: &[PathBuf]) -> SandboxReport {
        let mut closed = Vec::new();
        match restrict(paths, &mut closed) {
            Ok(status) => report(&status, closed),
            Err(error) => SandboxReport::not_enforced(format!("landlock: {error}")),
        }
    }

    fn restrict(
        paths: &[PathBuf],
        closed: &mut Vec<String>,
    ) -> Result<RestrictionStatus, RulesetError> {
        let writing = AccessFs::from_write(KNOWN);
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(writing)?
            .scope(Scope::Signal)?
            .create()?;
        for path in DEVICES.iter().map(Path::new) {
            // A system may lack one of them.
            if let Ok(place) = PathFd::new(path) {
                rules = rules.add_rule(PathBeneath::new(
                    place,
                    AccessFs::WriteFile | AccessFs::IoctlDev,
                ))?;
            }
        }
        for path in paths {
            match PathFd::new(path) {
                Ok(place) => {
                    let allowed = if path.is_dir() {
                        writing
                    } else {
                        writing & of_files()
                    };
                    rules = rules.add_rule(PathBeneath::new(place, allowed))?;
                }
                Err(_) => closed.push(format!(
                    "{} is declared and not there, so it stays closed",
                    path.display()
                )),
            }
        }
        rules.restrict_self()
    }

    fn of_files() -> BitFlags<AccessFs> {
        AccessFs::from_file(KNOWN)
    }

    fn report(status: &RestrictionStatus, closed: Vec<String>) -> SandboxReport {
        let abi = match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
            LandlockStatus::NotEnabled => {
                return SandboxReport::not_enforced("landlock is switched off");
            }
            LandlockStatus::NotImplemented => {
                return SandboxReport::not_enforced("the kernel has no landlock");
            }
        };
        let writes = match status.ruleset {
            RulesetStatus::NotEnforced => "not_enforced",
            _ if abi < 3 => "partly_enforced",
            _ => "enforced",
        };
        let older = SINCE.iter().filter(|(since, _)| abi < *since);
        let mut missing: Vec<String> = older.map(|(_, what)| (*what).to_owned()).collect();
        missing.extend(NEVER.map(str::to_owned));
        missing.extend(closed);
        SandboxReport {
            mechanism: "landlock".to_owned(),
            abi: Some(abi),
            writes: writes.to_owned(),
            network: "not_restricted".to_owned(),
            missing,
        }
    }

    pub(super) fn tie_to_supervisor() -> Vec<String> {
        let mut missing = Vec::new();
        if let Err(error) = prctl::set_no_new_privs() {
            missing.push(format!("no_new_privs: {error}"));
        }
        if let Err(error) = prctl::set_pdeathsig(Signal::SIGKILL) {
            missing.push(format!("ending with the supervisor: {error}"));
        }
        missing
    }

    pub(super) fn adopt_orphans() -> Result<(), String> {
        prctl::set_child_subreaper(true).map_err(|error| format!("adopting orphans: {error}"))
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::path::PathBuf;

    use crate::SandboxReport;

    pub(super) fn writes_below(_paths: &[PathBuf]) -> SandboxReport {
        SandboxReport::not_enforced("this system has no sandbox that is known here")
    }

    pub(super) fn tie_to_supervisor() -> Vec<String> {
        vec!["no_new_privs and ending with the supervisor: not on this system".to_owned()]
    }

    pub(super) fn adopt_orphans() -> Result<(), String> {
        Err("adopting orphans: not on this system; what leaves the tool's process group is not ended".to_owned())
    }
}
