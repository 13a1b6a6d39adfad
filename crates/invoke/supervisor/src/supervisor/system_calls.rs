//! System calls that a tool in a sandbox cannot make (seccomp).
//!
//! A filter sees the numbers that a call is made with and no paths. So it refuses only what no tool needs for its own
//! folder; where changes of attributes can be held back in no other way, it refuses these everywhere.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What the filter refuses, in words for the evidence.
const KEYS: &str = "kernel keys";
const LIMITS: &str = "limits of other processes";
const RINGS: &str = "io_uring";
const HANDLES: &str = "files by handle";
const SET_ID_PROGRAMS: &str = "set-user-ID and set-group-ID programs";
const ATTRIBUTES: &str = "changes of owner, permissions and extended attributes, everywhere";

/// On x86-64, a call of the x32 interface has this bit, and reaches the same code.
const X32: i64 = 0x4000_0000;

/// New enough to be missing in libc. All architectures number calls alike since 2019.
const FCHMODAT2: i64 = 452;
const SETXATTRAT: i64 = 463;
const REMOVEXATTRAT: i64 = 466;
const FILE_SETATTR: i64 = 469;

/// The bits of a mode that make a program run with its owner's or group's rights.
const SET_ID: [u64; 2] = [0o4000, 0o2000];

/// The bit of `O_TMPFILE` that no other flag has: a file without a name, which can be given one.
const UNNAMED_FILE: u64 = 0o20_000_000;

/// What `chattr` asks of a file's descriptor (`FS_IOC_SETFLAGS`, `FS_IOC_FSSETXATTR`).
const SET_FLAGS: [u64; 2] = [0x4008_6602, 0x401c_5820];

/// Whether changes of attributes are to be refused too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attributes {
    /// They are held back otherwise.
    Allowed,
    /// They are refused, in the tool's own folder as well.
    Refused,
}

/// Refuses them to this process for good: they fail with EPERM. Says what is refused.
///
/// # Errors
/// Why it cannot be had.
pub(super) fn refuse(attributes: Attributes) -> Result<Vec<String>, String> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)
        .map_err(|_unknown| "seccomp: no filter is known for this processor".to_owned())?;
    let failed = |error: &dyn std::fmt::Display| format!("seccomp: {error}");
    let (rules, words) = rules(attributes).map_err(|error| failed(&error))?;
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM as u32),
        architecture,
    )
    .map_err(|error| failed(&error))?;
    let program = BpfProgram::try_from(filter).map_err(|error| failed(&error))?;
    apply_filter(&program).map_err(|error| failed(&error))?;
    Ok(words.into_iter().map(str::to_owned).collect())
}

fn rules(attributes: Attributes) -> Result<(Rules, Vec<&'static str>), seccompiler::BackendError> {
    let mut rules = Rules::new();
    let keys = [libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl];
    // What is done through a ring is seen by no filter.
    let rings = [libc::SYS_io_uring_setup];
    // They lead around the folders on the way to a file.
    let handles = [libc::SYS_open_by_handle_at];
    for call in keys.into_iter().chain(rings).chain(handles) {
        add(&mut rules, call, Vec::new());
    }
    let of_another = argument(0, SeccompCmpOp::Ne, 0)?;
    let a_new_one = argument(2, SeccompCmpOp::Ne, 0)?;
    let sets_another_s = SeccompRule::new(vec![of_another, a_new_one])?;
    add(&mut rules, libc::SYS_prlimit64, vec![sets_another_s]);
    // A program of this account that another may start with its rights would let it into the ledger, long after the
    // run.
    for (call, mode) in calls_with_a_mode() {
        let mut sets_id = Vec::new();
        for bit in SET_ID {
            let is_set = argument(mode, SeccompCmpOp::MaskedEq(bit), bit)?;
            sets_id.push(SeccompRule::new(vec![is_set])?);
        }
        add(&mut rules, call, sets_id);
    }
    for (call, flags) in calls_that_open() {
        let mut creates = Vec::new();
        // The mode counts only where a file is made; it is anything otherwise.
        for making in [libc::O_CREAT as u64, UNNAMED_FILE] {
            for bit in SET_ID {
                let makes = argument(flags, SeccompCmpOp::MaskedEq(making), making)?;
                let is_set = argument(flags + 1, SeccompCmpOp::MaskedEq(bit), bit)?;
                creates.push(SeccompRule::new(vec![makes, is_set])?);
            }
        }
        add(&mut rules, call, creates);
    }
    let mut words = vec![KEYS, LIMITS, RINGS, HANDLES, SET_ID_PROGRAMS];
    if attributes == Attributes::Refused {
        for call in calls_that_change_attributes() {
            add(&mut rules, call, Vec::new());
        }
        let mut requests = Vec::new();
        for request in SET_FLAGS {
            let is_it =
                SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, request)?;
            requests.push(SeccompRule::new(vec![is_it])?);
        }
        add(&mut rules, libc::SYS_ioctl, requests);
        words.push(ATTRIBUTES);
    }
    Ok((rules, words))
}

fn argument(
    number: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(number, SeccompCmpArgLen::Qword, operator, value)
}

fn add(rules: &mut Rules, call: i64, only: Vec<SeccompRule>) {
    if cfg!(target_arch = "x86_64") {
        rules.insert(call | X32, only.clone());
    }
    rules.insert(call, only);
}

/// The calls that give a file its mode, and which argument that is.
fn calls_with_a_mode() -> Vec<(i64, u8)> {
    let mut calls = vec![
        (libc::SYS_fchmod, 1),
        (libc::SYS_fchmodat, 2),
        (FCHMODAT2, 2),
        (libc::SYS_mknodat, 2),
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        (libc::SYS_chmod, 1),
        (libc::SYS_creat, 1),
        (libc::SYS_mknod, 1),
    ]);
    calls
}

/// The calls that open a file, and which argument their flags are. The mode is the next one.
fn calls_that_open() -> Vec<(i64, u8)> {
    let mut calls = vec![(libc::SYS_openat, 2)];
    #[cfg(target_arch = "x86_64")]
    calls.push((libc::SYS_open, 1));
    calls
}

fn calls_that_change_attributes() -> Vec<i64> {
    let mut calls = vec![
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        FCHMODAT2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        SETXATTRAT,
        REMOVEXATTRAT,
        FILE_SETATTR,
    ];
    #[cfg(target_arch = "x86_64")]
    calls.extend([libc::SYS_chmod, libc::SYS_chown, libc::SYS_lchown]);
    calls.sort_unstable();
    calls
}
