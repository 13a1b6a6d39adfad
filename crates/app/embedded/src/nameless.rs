//! User ids without a name. A container may run with any user id, and `initdb` and `postgres --single` refuse one that
//! the system does not know: they look its name up and have no use for it. The server itself does not.
//!
//! They are given a name: by `libnss_wrapper`, which answers that look-up from a file, else in a user namespace, in
//! which the same id has another number, one with a name.
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Group, Uid, User};

use crate::cluster_dir::{ClusterDir, variable};
use crate::error::{AtPath, Error};

/// Names that some system has for an account which is not root.
const NAMES: [&str; 4] = ["nobody", "postgres", "daemon", "bin"];

/// The name of a file of `libnss_wrapper`, whose folder depends on the distribution.
const WRAPPER: &str = "libnss_wrapper.so";

/// A command for one of these programs as the server's account.
///
/// # Errors
/// [`Error::NamelessAccount`] where its user id has no name, and nothing here gives it one.
pub(crate) fn named_command(home: &ClusterDir, program: &Path) -> Result<Command, Error> {
    let (uid, gid) = home.account().ids();
    if has_name(uid) {
        return Ok(home.account().command(program));
    }
    if let Some(wrapper) = wrapper() {
        let mut command = home.account().command(program);
        let passwd = format!("dotwrap:x:{uid}:{gid}:dotwrap:/:/bin/sh\n");
        let group = format!("dotwrap:x:{gid}:\n");
        command
            .env("LD_PRELOAD", wrapper)
            .env(
                "NSS_WRAPPER_PASSWD",
                written(home, "names.passwd", &passwd)?,
            )
            .env("NSS_WRAPPER_GROUP", written(home, "names.group", &group)?);
        return Ok(command);
    }
    in_namespace(home, program).ok_or(Error::NamelessAccount { uid })
}

fn has_name(uid: u32) -> bool {
    // A look-up that fails says nothing of the id.
    !matches!(User::from_uid(Uid::from_raw(uid)), Ok(None))
}

/// The library, in one of the folders of the system's loader.
fn wrapper() -> Option<PathBuf> {
    let below = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = below.map(|entry| entry.path()).collect();
    folders.extend(["/usr/lib64", "/usr/lib", "/usr/local/lib"].map(PathBuf::from));
    let mut files = folders.into_iter().map(|folder| folder.join(WRAPPER));
    files.find(|file| file.is_file())
}

/// A file that the server's account can read. It holds no secret.
fn written(home: &ClusterDir, name: &str, text: &str) -> Result<PathBuf, Error> {
    let path = home.folder().join(name);
    fs::write(&path, text).at("write", &path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644))
        .at("set the permissions of", &path)?;
    Ok(path)
}

/// The program in a user namespace, where this system lets the account have one.
fn in_namespace(home: &ClusterDir, program: &Path) -> Option<Command> {
    let unshare = find_program("unshare")?;
    let mut named = NAMES.iter().filter_map(|name| User::from_name(name).ok()?);
    let user = named.find(|user| !user.uid.is_root())?;
    let group = Group::from_gid(user.gid).ok().flatten();
    let gid = group.map_or(user.gid, |group| group.gid);
    let command = |program: &OsStr| {
        let mut command = home.account().command(&unshare);
        command
            .arg("--user")
            .arg(format!("--map-user={}", user.uid))
            .arg(format!("--map-group={}", Gid::as_raw(gid)))
            .arg("--")
            .arg(program);
        command
    };
    let tried = command(OsStr::new("true"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let works = tried.is_ok_and(|status| status.success());
    works.then(|| command(program.as_os_str()))
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = variable("PATH")?;
    let mut files = std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}
