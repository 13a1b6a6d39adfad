//! Creates files and folders with the correct owner. Root may work in a folder of another user, who must neither
//! redirect it by a symbolic link nor lose access to the created files.
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::Uid;

use crate::error::{AtPath, Error};

/// Opens a file for reading and appending, and creates it where it is missing.
pub(crate) fn open_to_append(path: &Path) -> Result<File, Error> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
        .at("open", path)?;
    give_to_owner_of_folder(&file, path).at("set the owner of", path)?;
    Ok(file)
}

/// Replaces the content of a small file.
pub(crate) fn overwrite(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut file = open_to_append(path)?;
    file.set_len(0)
        .and_then(|()| file.write_all(content))
        .at("write", path)
}

/// Replaces a file atomically, also when killed. Only its owner may read it.
pub(crate) fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)
        .at("create a file in", folder)?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .at("write", file.path())?;
    give_to_owner_of_folder(file.as_file(), path).at("set the owner of", path)?;
    file.persist(path)
        .map_err(|error| error.error)
        .at("replace", path)?;
    // Makes the rename itself last.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .at("write", folder)
}

/// Starts a new log; the previous one is kept beside it.
pub(crate) fn begin_log(path: &Path) -> Result<(), Error> {
    match fs::rename(path, path.with_extension("log.before")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("rename", path),
        _ => open_to_append(path).map(drop),
    }
}

/// Gives a file that root created to the owner of its folder, who could not open it otherwise.
fn give_to_owner_of_folder(file: &File, path: &Path) -> io::Result<()> {
    if !Uid::effective().is_root() {
        return Ok(());
    }
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    let (folder, now) = (folder.metadata()?, file.metadata()?);
    if (folder.uid(), folder.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(file, Some(folder.uid()), Some(folder.gid()))
}

/// The permission bits of a file or folder.
pub(crate) fn mode(path: &Path) -> Result<u32, Error> {
    Ok(path.metadata().at("look at", path)?.permissions().mode() & 0o777)
}

/// Sets a folder's permission bits unless they are so already.
pub(crate) fn set_mode(folder: &Path, mode: u32) -> Result<(), Error> {
    if self::mode(folder)? == mode {
        return Ok(());
    }
    fs::set_permissions(folder, Permissions::from_mode(mode)).at("set the permissions of", folder)
}

/// The last lines of a log, for an error message.
pub(crate) fn tail(path: &Path) -> String {
    const LINES: usize = 20;
    let Ok(bytes) = fs::read(path) else {
        return "(no log)".to_owned();
    };
    last_lines(&String::from_utf8_lossy(&bytes), LINES)
}

/// The last lines of a text.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
