//! The sandbox, from inside.

use std::{io, path::PathBuf};

use crate::{Sandbox, SandboxReport};

/// Restricts this process, and so the tool that it becomes, for good. In a sandbox it cannot read what is concealed
/// either.
///
/// # Errors
/// What is to be concealed cannot be found, and may be there: the tool must not be started.
pub(super) fn apply(sandbox: &Sandbox, concealed: &[PathBuf]) -> io::Result<SandboxReport> {
    match sandbox {
        Sandbox::Unrestricted => Ok(SandboxReport::not_restricted()),
        Sandbox::WritesBelow(paths) => system::landlock_ruleset(paths, concealed),
    }
}

/// Forbids gaining rights by executing a program, unless that is allowed, and asks to be killed with the supervisor.
/// Returns what could not be had.
pub(super) fn tie_to_supervisor(allow_setuid: bool) -> Vec<String> {
    system::tie_to_supervisor(allow_setuid)
}

/// Makes this process the parent of every orphan below it.
pub(crate) fn set_subreaper() -> Result<(), String> {
    system::adopt_orphans()
}

#[cfg(target_os = "linux")]
pub(super) use system::{DEVICES, open_place};

#[cfg(target_os = "linux")]
mod system {
    use std::{
        collections::BTreeMap,
        fs::{File, OpenOptions},
        io,
        os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
        path::{Path, PathBuf},
    };

    use landlock::{
        ABI, AccessFs, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, PathFd,
        RestrictionStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
        Scope,
    };
    use nix::{
        fcntl::OFlag,
        sys::{prctl, signal::Signal},
    };
    use rustix::{
        fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, open, openat2},
        io::Errno,
    };

    use super::super::{
        capabilities, hidden_paths, landlock_support,
        namespace::{self, Entered, NotClosed},
        system_calls::{self, Attributes},
    };
    use crate::{
        SandboxReport,
        sandbox::{ENFORCED, NEVER_GRANTED, NOT_ENFORCED},
    };

    /// The newest interface whose meaning was looked at. Later ones restrict sockets too.
    const LANDLOCK_ABI: ABI = ABI::V7;

    /// They keep nothing of what is written to them.
    pub(in crate::supervisor) const DEVICES: [&str; 6] = [
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/tty",
        "/dev/random",
        "/dev/urandom",
    ];

    /// What a newer kernel would have restricted as well.
    const ABI_FEATURES: [(u32, &str); 4] = [
        (2, "renaming between folders is refused even inside"),
        (3, "truncating files"),
        (5, "commands to devices (ioctl)"),
        (6, "signals to processes outside"),
    ];

    pub(super) fn landlock_ruleset(
        paths: &[PathBuf],
        concealed: &[PathBuf],
    ) -> io::Result<SandboxReport> {
        let mut missing = Vec::new();
        let opened = opened(paths, &mut missing);
        let concealed = hidden_paths::of(concealed, opened.keys(), &mut missing)?;
        let hidden = &concealed.hidden;
        let readable = (!hidden.is_empty()).then(|| hidden_paths::readable_complement(hidden));
        let view = View::of(opened.keys(), &concealed.all())?;
        let given = readable.as_ref().map(|readable| readable.paths.as_slice());
        // Where it is there and fails, the tool is not started: it would be, without a sandbox, and only the record
        // would say so.
        let failed = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("the sandbox (landlock): {error}"))
        };
        let why_absent = landlock_support::absence().map_err(|error| failed(&error))?;
        let mut report = match why_absent {
            Some(why) => {
                let mut report = SandboxReport::not_enforced(why);
                report.missing.append(&mut missing);
                report
            }
            None => {
                let status = restrict(opened, given).map_err(|error| failed(&error))?;
                report(&status, missing)
            }
        };
        if let Some(readable) = readable
            && report.writes != NOT_ENFORCED
        {
            let hidden = hidden.iter().map(|path| path.display().to_string());
            let others = readable.unlistable.iter();
            let others = others.map(|folder| {
                let folder = folder.display();
                format!("{folder}, what else is in it: it cannot be listed")
            });
            report.unreadable = hidden.chain(others).collect();
        }
        // Without Landlock, a root takes the cover off.
        if view.why_shared.is_none() && report.writes != NOT_ENFORCED {
            let covered = concealed.covered.iter();
            let covered = covered.map(|path| path.display().to_string());
            report.unreadable.extend(covered);
        } else {
            report.missing.extend(concealed.exposed());
        }
        give_up_rights(&view, &mut report);
        refuse_calls(&view, &mut report);
        Ok(report)
    }

    /// The tool's view of the file system.
    struct View {
        entered: Option<Entered>,
        /// Why it is the one that everybody has.
        why_shared: Option<String>,
    }

    impl View {
        fn of<'a>(
            writes: impl Iterator<Item = &'a PathBuf>,
            hidden: &[PathBuf],
        ) -> io::Result<Self> {
            let entered = match namespace::enter() {
                Ok(entered) => entered,
                Err(why) => {
                    return Ok(Self {
                        entered: None,
                        why_shared: Some(why),
                    });
                }
            };
            let why_shared = match namespace::close(writes, hidden) {
                Ok(()) => None,
                Err(NotClosed::Open(why)) => Some(why),
                Err(NotClosed::Halfway(why)) => return Err(io::Error::other(why)),
            };
            Ok(Self {
                entered: Some(entered),
                why_shared,
            })
        }
    }

    fn give_up_rights(view: &View, report: &mut SandboxReport) {
        let given_up = match view.entered {
            Some(Entered::ByUserNamespace) => capabilities::give_up_all().map(|()| false),
            _ => capabilities::reduce(),
        };
        match given_up {
            Ok(was_any) => report.capabilities = was_any.then(|| "reduced".to_owned()),
            Err(why) => report.missing.push(why),
        }
    }

    /// Last: what a filter refuses, this process cannot do either.
    fn refuse_calls(view: &View, report: &mut SandboxReport) {
        let attributes = match view.why_shared {
            None => Attributes::Allowed,
            Some(_) => Attributes::Refused,
        };
        let refused = system_calls::refuse(attributes);
        let word = match (attributes, &refused) {
            (Attributes::Allowed, _) => ENFORCED,
            (Attributes::Refused, Ok(_)) => "refused",
            (Attributes::Refused, Err(_)) => NOT_ENFORCED,
        };
        report.attributes = Some(word.to_owned());
        let mut missing = Vec::new();
        match word {
            ENFORCED => {}
            NOT_ENFORCED => {
                missing.push("changes of owner, permissions, attributes and times".to_owned())
            }
            _ => missing.push("changes of times".to_owned()),
        }
        if let Some(why) = &view.why_shared {
            missing.push(format!("sockets among what is kept from being read: {why}"));
        }
        if view.entered.is_none() {
            missing.push("System V IPC and POSIX message queues".to_owned());
        }
        match refused {
            Ok(refused) => report.refused = refused,
            Err(why) => missing.push(format!("kernel keys, limits of other processes: {why}")),
        }
        missing.append(&mut report.missing);
        report.missing = missing;
    }

    /// Opens a place, through no link.
    pub(in crate::supervisor) fn open_place(path: &Path) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS) {
            // A filter of the program that started dotwrap may not know the call, which is as old as 2020.
            Err(Errno::NOSYS | Errno::PERM) => match path.canonicalize() {
                Ok(real) if real != path => Err(Errno::LOOP),
                _ => open(path, flags | OFlags::NOFOLLOW, Mode::empty()),
            },
            opened => opened,
        }
    }

    /// What may be written, open. A link on the way could have been put there by a tool, and lead anywhere: it is not
    /// followed.
    fn opened(paths: &[PathBuf], missing: &mut Vec<String>) -> BTreeMap<PathBuf, OwnedFd> {
        let mut opened = BTreeMap::new();
        for path in paths {
            match open_place(path) {
                Ok(place) => _ = opened.insert(path.clone(), place),
                Err(Errno::LOOP) => missing.push(format!(
                    "{} is declared and goes through a link, so it stays closed: declare where it leads",
                    path.display()
                )),
                Err(_) => missing.push(format!(
                    "{} is declared and not there, so it stays closed",
                    path.display()
                )),
            }
        }
        opened
    }

    /// Allows writing below these, and reading below those where it is restricted at all.
    fn restrict(
        paths: BTreeMap<PathBuf, OwnedFd>,
        readable: Option<&[PathBuf]>,
    ) -> Result<RestrictionStatus, RulesetError> {
        let writing = AccessFs::from_write(LANDLOCK_ABI);
        let mut handled = writing;
        if readable.is_some() {
            handled |= AccessFs::ReadFile;
        }
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(handled)?
            .scope(Scope::Signal)?
            .create()?;
        for path in readable.into_iter().flatten() {
            // What this account cannot even look up, it cannot read either. And what has become a link meanwhile may
            // lead anywhere.
            if let Ok(place) = without_following(path) {
                rules = rules.add_rule(PathBeneath::new(place, AccessFs::ReadFile))?;
            }
        }
        for path in DEVICES.iter().map(Path::new) {
            // A system may lack one of them.
            if let Ok(place) = PathFd::new(path) {
                rules = rules.add_rule(PathBeneath::new(
                    place,
                    AccessFs::WriteFile | AccessFs::IoctlDev,
                ))?;
            }
        }
        for place in paths.into_values() {
            // What is written there may be read back, whatever lies beside it.
            let opened = writing | (handled & AccessFs::ReadFile);
            let allowed = if is_folder(&place) {
                opened
            } else {
                opened & of_files()
            };
            rules = rules.add_rule(PathBeneath::new(place, allowed))?;
        }
        rules.restrict_self()
    }

    fn is_folder(place: &OwnedFd) -> bool {
        fstat(place).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir())
    }

    fn without_following(path: &Path) -> io::Result<File> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits())
            .open(path)
    }

    fn of_files() -> BitFlags<AccessFs> {
        AccessFs::from_file(LANDLOCK_ABI)
    }

    fn report(status: &RestrictionStatus, others: Vec<String>) -> SandboxReport {
        let abi = match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
            LandlockStatus::NotEnabled | LandlockStatus::NotImplemented => {
                return SandboxReport::not_enforced("landlock went away");
            }
        };
        let writes = match status.ruleset {
            RulesetStatus::NotEnforced => NOT_ENFORCED,
            _ if abi < 3 => "partly_enforced",
            _ => ENFORCED,
        };
        let older = ABI_FEATURES.iter().filter(|(since, _)| abi < *since);
        let mut missing: Vec<String> = older.map(|(_, what)| (*what).to_owned()).collect();
        missing.extend(NEVER_GRANTED.map(str::to_owned));
        missing.extend(others);
        SandboxReport {
            abi: Some(abi),
            ..SandboxReport::new("landlock", writes, missing)
        }
    }

    pub(super) fn tie_to_supervisor(allow_setuid: bool) -> Vec<String> {
        let mut missing = Vec::new();
        if allow_setuid {
            // The kernel takes the order to die with its parent from a process that gains rights.
            let lifted = "no_new_privs, and with rights that it gains, ending with the supervisor: the contract says allow_setuid";
            missing.push(lifted.to_owned());
        } else if let Err(error) = prctl::set_no_new_privs() {
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
    use std::{io, path::PathBuf};

    use crate::SandboxReport;

    pub(super) fn landlock_ruleset(
        _paths: &[PathBuf],
        _concealed: &[PathBuf],
    ) -> io::Result<SandboxReport> {
        let why = "this system has no sandbox that is known here";
        Ok(SandboxReport::not_enforced(why))
    }

    pub(super) fn tie_to_supervisor(_allow_setuid: bool) -> Vec<String> {
        vec!["no_new_privs and ending with the supervisor: not on this system".to_owned()]
    }

    pub(super) fn adopt_orphans() -> Result<(), String> {
        Err("adopting orphans: not on this system; what leaves the tool's process group is not ended".to_owned())
    }
}
