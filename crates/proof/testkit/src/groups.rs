//! Control groups (cgroup v2), where this machine lets the tests make any.

use std::fs;
use std::path::PathBuf;
use std::process;

/// The folder of the group that the test is in, where groups can be made in it: as root, or where a service manager has
/// handed it over.
///
/// # Panics
/// Where a group that was made cannot be removed.
#[must_use]
pub fn own_control_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut mounts = mounts.lines().map(|line| line.split(' '));
    let place = mounts.find_map(|mut mount| {
        let place = mount.nth(1)?;
        (mount.next()? == "cgroup2").then_some(place)
    })?;
    let own = PathBuf::from(place).join(group);
    let attempt = own.join(format!("attempt.{}", process::id()));
    fs::create_dir(&attempt).ok()?;
    let can_kill = attempt.join("cgroup.kill").exists();
    fs::remove_dir(attempt).unwrap_or_else(|error| panic!("a group stays: {error}"));
    can_kill.then_some(own)
}
