//! What is mounted where.

use std::{ffi::OsString, io, path::PathBuf, sync::Arc};
#[cfg(target_os = "linux")]
use std::{
    fs::File,
    io::{BufReader, Seek},
    sync::{Mutex, PoisonError},
};

#[cfg(target_os = "linux")]
use procfs::{FromBufRead, process::MountInfos};

/// A mounted file system, as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is.
    pub point: PathBuf,
    /// What of the file system is there: `/`, or the folder that was bound.
    pub root: PathBuf,
    /// Its device, as `major:minor`: mounts of one file system share it.
    pub device: String,
    /// Its kind, such as `ext4` or `cgroup2`.
    pub file_system: String,
    /// How it is mounted there: `rw`, `nosuid` and the like.
    pub options: Vec<String>,
}

impl Mount {
    /// Whether it is mounted with this option.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().any(|one| one == option)
    }
}

/// The kernel's list, which belongs to the mount namespace that the process was in when it opened the list.
#[cfg(target_os = "linux")]
const LIST: &str = "/proc/self/mountinfo";

/// The list of [`current_mounts`].
#[cfg(target_os = "linux")]
static CURRENT: Mutex<Option<Current>> = Mutex::new(None);

/// The list as it was read last. The open file tells whether it changed since.
#[cfg(target_os = "linux")]
struct Current {
    list: File,
    mounts: Arc<[Mount]>,
}

/// All mounts, read from the kernel. Empty on systems other than Linux.
///
/// # Errors
/// The list cannot be read.
#[cfg(target_os = "linux")]
pub fn mounts() -> io::Result<Vec<Mount>> {
    read(&File::open(LIST)?)
}

/// As [`mounts`], for a process that stays in its mount namespace. It reads the list only after a change: making and
/// parsing the list costs a tenth of a millisecond, asking for a change one system call.
///
/// # Errors
/// The list cannot be read.
#[cfg(target_os = "linux")]
pub fn current_mounts() -> io::Result<Arc<[Mount]>> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(current) = current.as_mut() {
        if has_changed(&current.list)? {
            current.list.rewind()?;
            current.mounts = read(&current.list)?.into();
        }
        return Ok(Arc::clone(&current.mounts));
    }
    let list = File::open(LIST)?;
    let mounts: Arc<[Mount]> = read(&list)?.into();
    *current = Some(Current {
        list,
        mounts: Arc::clone(&mounts),
    });
    Ok(mounts)
}

/// Whether anything was mounted or unmounted since the file was opened, or since this last returned true.
#[cfg(target_os = "linux")]
fn has_changed(list: &File) -> io::Result<bool> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;

    let mut polled = [PollFd::new(list.as_fd(), PollFlags::POLLPRI)];
    Ok(poll(&mut polled, PollTimeout::ZERO)? > 0)
}

#[cfg(target_os = "linux")]
fn read(list: &File) -> io::Result<Vec<Mount>> {
    let mounts = MountInfos::from_buf_read(BufReader::new(list)).map_err(io::Error::other)?;
    let found = mounts.into_iter().map(|mount| Mount {
        point: unescaped(mount.mount_point.into_os_string()),
        root: unescaped(mount.root.into()),
        device: mount.majmin,
        file_system: mount.fs_type,
        options: mount.mount_options.into_keys().collect(),
    });
    Ok(found.collect())
}

/// As on Linux; other systems are not asked.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn mounts() -> io::Result<Vec<Mount>> {
    Ok(Vec::new())
}

/// As on Linux; other systems are not asked.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn current_mounts() -> io::Result<Arc<[Mount]>> {
    Ok(Arc::default())
}

/// The kernel writes white space and backslashes as a backslash and three octal digits.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn unescaped(text: OsString) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;

    let text = text.into_vec();
    let mut path = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((byte, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| *byte == b'\\');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(meant) => {
                path.push(meant);
                rest = &behind[3..];
            }
            None => {
                path.push(*byte);
                rest = behind;
            }
        }
    }
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_escapes_is_read_back() {
        let read = |text: &str| unescaped(text.into());
        assert_eq!(
            read(r"/my\040runs/a\134b\011"),
            PathBuf::from("/my runs/a\\b\t")
        );
        assert_eq!(read(r"/plain\x"), PathBuf::from(r"/plain\x"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn something_is_mounted_at_the_root() {
        let all = mounts().unwrap();
        assert!(all.iter().any(|mount| mount.point.as_os_str() == "/"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn current_list_equals_the_kernels() {
        for _ in 0..3 {
            let of_kernel = mounts().unwrap();
            let current = current_mounts().unwrap();
            let points = |mounts: &[Mount]| -> Vec<_> {
                mounts.iter().map(|mount| mount.point.clone()).collect()
            };
            // Something else may be mounted between the two.
            if points(&current) == points(&of_kernel) {
                return;
            }
        }
        panic!("three times the lists differ");
    }
}
