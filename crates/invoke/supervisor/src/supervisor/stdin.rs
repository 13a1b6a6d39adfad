//! A tool's standard input, opened by the launcher: with the tool's rights, and behind its sandbox.

use std::{fs::File, io, path::Path};

use super::hidden_paths::Secrets;

/// Makes a file this process's standard input, and so the tool's.
///
/// # Errors
/// It cannot be opened, is no file, is made up by the kernel, or is concealed from tools.
pub(super) fn attach(path: &Path, secrets: &Secrets) -> io::Result<()> {
    let file = open_input(path, secrets)?;
    Ok(nix::unistd::dup2_stdin(&file)?)
}

/// Opens a file that a tool is given.
///
/// # Errors
/// As [`attach`].
pub(super) fn open_input(path: &Path, secrets: &Secrets) -> io::Result<File> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    #[cfg(target_os = "linux")]
    if let Some(kind) = super::pseudo_files::kind_of(&file)? {
        return Err(io::Error::other(format!(
            "it is in a pseudo file system ({kind}); what the kernel tells of processes is no tool's input"
        )));
    }
    if secrets.contain(&file, path)? {
        return Err(io::Error::other(
            "it is kept from tools: it lets into the ledger",
        ));
    }
    Ok(file)
}

/// Without waiting: a pipe in its place would never open. A magic link (`/dev/fd/3`, `/proc/1/exe`) leads to what a
/// process has open, whatever may be reached by a path: it is not followed.
#[cfg(target_os = "linux")]
fn open(path: &Path) -> io::Result<File> {
    use rustix::{
        fs::{CWD, Mode, OFlags, ResolveFlags, openat2},
        io::Errno,
    };

    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS) {
        Ok(file) => Ok(file.into()),
        Err(Errno::LOOP) => Err(io::Error::other(
            "its path goes through a link to an open file of a process, or through too many links",
        )),
        // A kernel before 5.6, or a filter that does not know the call. What a magic link leads to is a file of this
        // very process, or one that the tool could open by itself.
        Err(Errno::NOSYS | Errno::PERM) => open_plainly(path),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(path: &Path) -> io::Result<File> {
    open_plainly(path)
}

fn open_plainly(path: &Path) -> io::Result<File> {
    use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt};

    use nix::fcntl::OFlag;

    OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
        .open(path)
}
