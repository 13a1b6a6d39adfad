//! What root may do beyond files: to other processes, to the kernel and to the machine.

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// What a tool in a sandbox keeps if its account has it: power over files, and little else. It loses the power to
///
/// - become another account, which may have a login without a password (`peer`);
/// - listen on the network, or write into other connections there (`CAP_NET_RAW`);
/// - read memory and environment of other processes. Since 6.14, Linux asks for `CAP_PERFMON` there, not for Landlock;
/// - raise limits, or change the kernel, its network or its clock.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::DAC_READ_SEARCH)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::IPC_LOCK)
    .union(CapabilitySet::SYS_CHROOT);

/// Gives up all of them.
pub(super) fn give_up_all() -> Result<(), String> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(|error| format!("giving up capabilities: {error}"))
}

/// Gives up the others. For good, in a process that cannot gain rights by executing a program (`no_new_privs`).
/// Says whether there were any.
pub(super) fn reduce() -> Result<bool, String> {
    let failed = |error| format!("giving up capabilities: {error}");
    let held = capabilities(None).map_err(failed)?;
    let kept = CapabilitySets {
        effective: held.effective & KEPT,
        permitted: held.permitted & KEPT,
        inheritable: held.inheritable & KEPT,
    };
    if kept == held {
        return Ok(false);
    }
    set_capabilities(None, kept).map_err(failed)?;
    Ok(true)
}
