//! The process that holds a lease, so that a program on the same machine can tell that it ended.
//!
//! The text is `<boot id>/<namespace of process ids>/<process id>/<start time>`. It says something only on the same
//! boot of the same machine and in the same namespace: a container counts its processes by itself.

use std::{fs, path::Path, process};

use dotwrap_wrapper::ProcessRunId;

/// The variable that the tools of a run have.
const RUN_VARIABLE: &str = "DOT_PROCESS_RUN_ID";

/// This process. None where the system does not tell.
pub(crate) fn this_process() -> Option<String> {
    let pid = process::id();
    Some(format!("{}/{pid}/{}", here()?, start_time(pid)?))
}

/// Whether that process is known to have ended. False where it lives or nobody here can know.
pub(crate) fn has_ended(holder: &str) -> bool {
    let Some(here) = here() else { return false };
    let rest = holder.strip_prefix(&here);
    let Some((pid, started)) = rest
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.split_once('/'))
    else {
        return false;
    };
    let Ok(pid) = pid.parse::<u32>() else {
        return false;
    };
    // An unreadable entry of a process that is there tells nothing.
    match start_time(pid) {
        Some(found) => found != started,
        None => !Path::new("/proc").join(pid.to_string()).exists(),
    }
}

/// Whether a tool of the run still lives on this machine, as far as its environment tells. A dead runner's supervisor
/// ends the tools; that takes a moment.
pub(crate) fn has_living_tools(run: ProcessRunId) -> bool {
    let wanted = format!("{RUN_VARIABLE}={run}");
    let Ok(entries) = fs::read_dir("/proc") else {
        return true;
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            name.to_str()
                .is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .filter_map(|entry| fs::read(entry.path().join("environ")).ok())
        .any(|environment| {
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes())
        })
}

/// The boot of this machine and this process's namespace of process ids.
fn here() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    let digits: String = namespace
        .to_str()?
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    Some(format!("{}/{digits}", boot.trim()))
}

/// When a process started, in clock ticks since the boot. None where there is no such process, or only its exit status
/// is left.
fn start_time(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it, in brackets, may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| started.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_living_process_has_not_ended() {
        let holder = this_process().expect("this system tells");
        assert!(!has_ended(&holder), "{holder}");
    }

    #[test]
    fn a_process_has_ended_when_its_id_is_free_or_of_another_process() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat starts");
        let pid = child.id();
        let holder = format!("{}/{pid}/{}", here().unwrap(), start_time(pid).unwrap());
        assert!(!has_ended(&holder));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(has_ended(&holder));
        let reused = format!("{}/{}/1", here().unwrap(), process::id());
        assert!(has_ended(&reused));
    }

    #[test]
    fn a_process_of_another_boot_or_namespace_is_not_judged() {
        let holder = this_process().unwrap();
        let (_, rest) = holder.split_once('/').unwrap();
        assert!(!has_ended(&format!("other-boot/{rest}")));
        assert!(!has_ended(""));
        assert!(!has_ended("nonsense/1/2"));
    }

    #[test]
    fn tools_are_found_by_their_run() {
        let run = ProcessRunId::mint();
        assert!(!has_living_tools(run));
        let mut child = Command::new("cat")
            .env(RUN_VARIABLE, run.to_string())
            .stdin(Stdio::piped())
            .spawn()
            .expect("cat starts");
        assert!(has_living_tools(run));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!has_living_tools(run));
    }
}
