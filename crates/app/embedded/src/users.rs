//! The processes that use the server: those that hold a share of the users' lock.
use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::cluster_dir::ClusterDir;

/// A process that uses the server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ServerUser {
    /// Its process id.
    pub pid: u32,
    /// The words of its command line; empty where they cannot be read.
    pub command: Vec<String>,
}

/// The processes other than this one that hold a share of the users' lock, by their ids. None where the system does not
/// list the holders of locks.
///
/// A file is known by its inode alone: on some file systems the device in the list is another than that of the file.
pub(crate) fn users(home: &ClusterDir) -> Option<Vec<ServerUser>> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    let Ok(file) = home.users_lock().metadata() else {
        return Some(Vec::new());
    };
    let mut pids: Vec<u32> = locks
        .lines()
        .filter_map(|line| holder(line, file.ino()))
        .filter(|pid| *pid != std::process::id())
        .collect();
    pids.sort_unstable();
    pids.dedup();
    let user = |pid| ServerUser {
        pid,
        command: command_line(pid),
    };
    Some(pids.into_iter().map(user).collect())
}

/// The process that holds a share, if the line is of this file: `1: FLOCK  ADVISORY  READ 4711 08:01:131 0 EOF`. A
/// waiter's line has an arrow after its number.
fn holder(line: &str, inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    let [kind, _, mode, pid, file] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let found: u64 = file.rsplit(':').next()?.parse().ok()?;
    let is_share = kind == "FLOCK" && mode == "READ" && found == inode;
    is_share.then(|| pid.parse().ok()).flatten()
}

fn command_line(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|it| !it.is_empty());
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_file_is_a_user_and_nothing_else_is() {
        let of_file = |line| holder(line, 131);
        assert_eq!(
            of_file("1: FLOCK  ADVISORY  READ 4711 08:01:131 0 EOF"),
            Some(4711)
        );
        for line in [
            "1: FLOCK  ADVISORY  READ 4711 08:01:132 0 EOF",
            "1: FLOCK  ADVISORY  WRITE 4711 08:01:131 0 EOF",
            "1: POSIX  ADVISORY  READ 4711 08:01:131 0 EOF",
            "1: -> FLOCK  ADVISORY  READ 4711 08:01:131 0 EOF",
            "",
        ] {
            assert_eq!(of_file(line), None, "{line}");
        }
    }
}
