//! What a real run may do beyond its account and its time: gain rights, and leave processes behind.

use std::path::Path;

use dotwrap_invoke::{Mode, UnsupportedContract};
use dotwrap_types::{ComponentRole, Contract};

use crate::RawProgram;

/// Programs whose work it is to gain rights.
const GAINING: [&str; 4] = ["sudo", "doas", "pkexec", "su"];

/// Refuses what would be silently without effect: a dry run gains no rights and leaves nothing, and a verifier leaves
/// nothing either.
///
/// # Errors
/// A sentence for people.
pub(crate) fn check(written: &RawProgram, contract: &Contract) -> Result<(), String> {
    let is_real = contract.mode == Mode::RealRun.as_ref();
    if written.allow_setuid && !is_real {
        return Err("allow_setuid is for REAL_RUN: no other run gains rights".to_owned());
    }
    if written.leave_running.is_empty() {
        return Ok(());
    }
    if !is_real || contract.role != ComponentRole::Producer {
        return Err(
            "leave_running is for the producer's REAL_RUN: nothing else may leave a process"
                .to_owned(),
        );
    }
    let is_wrong = |name: &&String| name.is_empty() || name.contains(['/', '\0', '\n']);
    match written.leave_running.iter().find(is_wrong) {
        Some(name) => Err(format!(
            "leave_running: `{name}` is no process's name; `ps -o comm` shows the names"
        )),
        None => Ok(()),
    }
}

/// Whether this process can start one that gains rights.
///
/// # Errors
/// `no_new_privs`
pub(crate) fn check_available() -> Result<(), UnsupportedContract> {
    match has_no_new_privs() {
        false => Ok(()),
        true => Err(UnsupportedContract::new(
            "no_new_privs",
            "the contract lets its tool gain rights (allow_setuid), and the runner itself was started without that right",
        )
        .hint("start the runner without NoNewPrivileges=yes (systemd) or no-new-privileges (containers)")),
    }
}

/// What somebody should know of a contract that starts such a program.
pub(crate) fn warning(program: &str, is_allowed: bool) -> Option<String> {
    let name = Path::new(program).file_name()?.to_str()?;
    let is_gaining = GAINING.contains(&name);
    (is_gaining && !is_allowed).then(|| {
        format!("{name} gains no rights here: a tool starts with no_new_privs, unless a contract for REAL_RUN says allow_setuid = true")
    })
}

#[cfg(target_os = "linux")]
fn has_no_new_privs() -> bool {
    nix::sys::prctl::get_no_new_privs().unwrap_or_default()
}

#[cfg(not(target_os = "linux"))]
fn has_no_new_privs() -> bool {
    false
}
