//! What is mounted where.

use std::{ffi::OsString, io, path::PathBuf};

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

/// Everything that is mounted; nothing where the system does not tell.
///
/// # Errors
/// Linux has a list of it, and it can not be read.
#[cfg(target_os = "linux")]
pub fn mounts() -> io::Result<Vec<Mount>> {
    let mounts = procfs::process::Process::myself().and_then(|own| own.mountinfo());
    let mounts = mounts.map_err(io::Error::other)?;
    let told = mounts.into_iter().map(|mount| Mount {
        point: unescaped(mount.mount_point.into_os_string()),
        root: unescaped(mount.root.into()),
        device: mount.majmin,
        file_system: mount.fs_type,
        options: mount.mount_options.into_keys().collect(),
    });
    Ok(told.collect())
}

/// As on Linux; other systems are not asked.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn mounts() -> io::Result<Vec<Mount>> {
    Ok(Vec::new())
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
}
