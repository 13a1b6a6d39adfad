//! What a tool cannot read. The sandbox gives rights to whatever lies below a path and takes none away, so everything
//! but one place is given by what lies beside that place, and beside each folder on the way to it.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use dotwrap_invoke::{Mount, mounts};
use nix::{
    errno::Errno,
    unistd::{AccessFlags, Uid, eaccess},
};

use crate::sandbox::VISIBLE_ROOTS;

/// What is to be concealed, by canonical paths, none below another.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Concealed {
    /// No right to them is given.
    pub(super) hidden: Vec<PathBuf>,
    /// Folders below one that the contract opens: what gives the right to that gives it to them. Only a view of the
    /// tool's own, in which they are covered, keeps them from it.
    pub(super) covered: Vec<PathBuf>,
}

impl Concealed {
    /// What is covered in a view of the tool's own.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        [self.hidden.as_slice(), &self.covered].concat()
    }

    /// How it is told of that what had to be covered is open.
    pub(super) fn exposed(&self) -> impl Iterator<Item = String> {
        let covered = self.covered.iter();
        covered.map(|path| {
            let path = path.display();
            format!("{VISIBLE_ROOTS} {path}: the contract opens a folder above it")
        })
    }
}

/// The paths that can be hidden. `missing` receives each path that cannot, with the reason.
///
/// A path is not hidden if the tool may write in it or in a folder above it, because the tool could then reach it. The
/// sandbox's report names it.
///
/// # Errors
/// A path exists and cannot be looked up. A tool may have closed it, and the next tool could open it again.
pub(super) fn of<'a>(
    places: &[PathBuf],
    writes: impl IntoIterator<Item = &'a PathBuf>,
    missing: &mut Vec<String>,
) -> io::Result<Concealed> {
    let writes: Vec<PathBuf> = writes
        .into_iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mounts = mounts()?;
    let [mut hidden, mut covered] = [const { BTreeSet::<PathBuf>::new() }; 2];
    let mut open = Vec::new();
    for place in places {
        let Some(path) = existing(place)? else {
            continue;
        };
        let mut all = bind_mount_aliases(&path, &mounts);
        all.push(path);
        let ways = all
            .iter()
            .find_map(|path| find_bypass(path, &writes).transpose());
        match ways.transpose()? {
            Some(why) => open.push((place, all, why)),
            None => {
                let is_below_open = |path: &PathBuf| is_below_any(path, &writes);
                let (below, others) = all.into_iter().partition::<Vec<_>, _>(is_below_open);
                covered.extend(below);
                hidden.extend(others);
            }
        }
    }
    for (place, all, why) in open {
        // A file in a folder that is covered is covered with it.
        if !all.iter().all(|path| is_below_any(path, &covered)) {
            missing.push(format!("{VISIBLE_ROOTS} {}: {why}", place.display()));
        }
    }
    Ok(Concealed {
        hidden: outermost(hidden),
        covered: outermost(covered),
    })
}

fn is_below_any<'a>(path: &Path, folders: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    let mut folders = folders.into_iter();
    folders.any(|folder| path != folder && path.starts_with(folder))
}

fn outermost(paths: BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let outer = paths.iter().filter(|path| !is_below_any(path, &paths));
    outer.cloned().collect()
}

/// Files and folders that are no tool's input, under whatever name. To be made before any of them is hidden.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    /// By device and inode: a file may have several names.
    files: Vec<(u64, u64)>,
    paths: Vec<PathBuf>,
}

impl Secrets {
    pub(super) fn of(places: &[PathBuf]) -> Self {
        let found = places.iter().filter_map(|place| place.metadata().ok());
        let canonical = places.iter().filter_map(|place| place.canonicalize().ok());
        Self {
            files: found.map(|found| (found.dev(), found.ino())).collect(),
            paths: canonical.collect(),
        }
    }

    /// Whether this file, opened by this path, is one of them, or in one of them.
    pub(super) fn contain(&self, file: &File, path: &Path) -> io::Result<bool> {
        let opened = file.metadata()?;
        let path = path.canonicalize()?;
        Ok(self.files.contains(&(opened.dev(), opened.ino()))
            || self.paths.iter().any(|place| path.starts_with(place)))
    }
}

/// What may be read where some places may not.
#[derive(Debug, Default)]
pub(super) struct Readable {
    /// Everything but the places and the ways to them. Files that only a link leads to have their own place. What is
    /// put beside the places later is not in it.
    pub(super) paths: Vec<PathBuf>,
    /// Folders on a way that cannot be listed: nothing else in them can be given.
    pub(super) unlistable: Vec<PathBuf>,
}

/// All that may be read where these places may not.
pub(super) fn readable_complement(hidden: &[PathBuf]) -> Readable {
    let ways: BTreeSet<&Path> = hidden.iter().flat_map(|path| path.ancestors()).collect();
    let folders = hidden.iter().flat_map(|path| path.ancestors().skip(1));
    let mut readable = Readable::default();
    for folder in folders.collect::<BTreeSet<_>>() {
        match siblings(folder, &ways) {
            Ok(paths) => readable.paths.extend(paths),
            Err(_) => readable.unlistable.push(folder.to_owned()),
        }
    }
    readable
}

/// A place as the kernel knows it; none where nothing is there, and where only somebody else could let this account in.
fn existing(place: &Path) -> io::Result<Option<PathBuf>> {
    match place.canonicalize() {
        // What it names would be concealed as well, and is not known now.
        Ok(path) if is_closed_file(&path) => {
            let error = io::Error::new(
                ErrorKind::PermissionDenied,
                "it is closed to its own account",
            );
            Err(named(place, &error))
        }
        Ok(path) => Ok(Some(path)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
            ErrorKind::PermissionDenied if is_closed_by_another(place) => Ok(None),
            _ => Err(named(place, &error)),
        },
    }
}

/// Whether this account's own file is one that it cannot read: a tool may have seen to that.
fn is_closed_file(path: &Path) -> bool {
    let own = Uid::effective().as_raw();
    let is_own_file = |found: fs::Metadata| found.is_file() && found.uid() == own;
    path.metadata().is_ok_and(is_own_file) && eaccess(path, AccessFlags::R_OK) == Err(Errno::EACCES)
}

/// Where else a path is, because its file system, or a folder of it, is mounted once more.
fn bind_mount_aliases(path: &Path, mounts: &[Mount]) -> Vec<PathBuf> {
    // Of several at one place, the last one is seen.
    let holders = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    let Some(holder) = holders.max_by_key(|mount| mount.point.as_os_str().len()) else {
        return Vec::new();
    };
    let below = path.strip_prefix(&holder.point).unwrap_or(Path::new(""));
    let within = joined(&holder.root, below);
    let others = mounts.iter().filter(|mount| mount.device == holder.device);
    others
        .filter_map(|mount| match within.strip_prefix(&mount.root) {
            Ok(below) => Some(joined(&mount.point, below)),
            // A piece of what is to be concealed.
            Err(_) => mount.root.starts_with(&within).then(|| mount.point.clone()),
        })
        .filter(|other| other != path && other.symlink_metadata().is_ok())
        .collect()
}

/// Joining nothing would leave a slash at the end, with which a file is none.
fn joined(folder: &Path, below: &Path) -> PathBuf {
    match below.as_os_str().is_empty() {
        true => folder.to_owned(),
        false => folder.join(below),
    }
}

/// Whether the folder that lets nobody on to a place belongs to another account: it is no tool that has closed it, and
/// none can open it.
fn is_closed_by_another(place: &Path) -> bool {
    let owner = closed_folder(place).and_then(|folder| folder.metadata().ok());
    owner.is_some_and(|owner| owner.uid() != Uid::effective().as_raw())
}

/// The folder on the way to a place that lets nobody on, every link followed as the kernel does.
fn closed_folder(place: &Path) -> Option<PathBuf> {
    let mut links = 0;
    let mut way = PathBuf::from("/");
    let mut left: Vec<OsString> = components(place);
    while let Some(name) = left.pop() {
        if name == ".." {
            way.pop();
            continue;
        }
        let next = way.join(&name);
        match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                links += 1;
                let target = fs::read_link(&next).ok().filter(|_| links <= MAX_LINKS)?;
                if target.is_absolute() {
                    way = PathBuf::from("/");
                }
                left.extend(components(&target));
            }
            Ok(_) => way = next,
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Some(way),
            Err(_) => return None,
        }
    }
    None
}

/// As many as the kernel follows.
const MAX_LINKS: usize = 40;

/// The names of a path, the last one first.
fn components(path: &Path) -> Vec<OsString> {
    let named = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    };
    path.components().rev().filter_map(named).collect()
}

/// Why concealing a path would conceal nothing, if that is so.
fn find_bypass(path: &Path, writes: &[PathBuf]) -> io::Result<Option<String>> {
    let found = path.metadata().map_err(|error| named(path, &error))?;
    if found.is_file() && found.nlink() > 1 {
        return Ok(Some("it has another name, a hard link".to_owned()));
    }
    // A folder below one that is open can be covered.
    let is_way_around =
        |open: &&PathBuf| open.starts_with(path) || (path.starts_with(open) && !found.is_dir());
    let open = writes.iter().find(is_way_around);
    Ok(open.map(|open| format!("the contract opens {}", open.display())))
}

fn siblings(folder: &Path, ways: &BTreeSet<&Path>) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // A link is not followed: it may lead to where it all begins.
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if !is_link && !ways.contains(path.as_path()) {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    let what = format!("{} cannot be kept from being read: {error}", path.display());
    io::Error::new(error.kind(), what)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn it_is_all_but_the_files_and_the_way_to_them() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        for folder in ["home/own/deep", "home/other", "tools"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        for file in ["home/own/secret", "home/own/plain", "home/second"] {
            fs::write(top.join(file), "").unwrap();
        }
        symlink(&top, top.join("home/own/back")).unwrap();
        let files = ["home/own/secret", "home/second"].map(|file| top.join(file));
        let readable = readable_complement(&files);
        assert!(readable.unlistable.is_empty());
        let mut found = readable.paths;
        found.retain(|path| path.starts_with(&top));
        found.sort();
        let expected = ["home/other", "home/own/deep", "home/own/plain", "tools"];
        assert_eq!(found, expected.map(|path| top.join(path)));
    }

    #[test]
    fn what_is_a_way_around_is_told() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let own = top.join("own");
        fs::create_dir_all(own.join("data")).unwrap();
        fs::create_dir(top.join("runs")).unwrap();
        let secret = own.join("secret");
        fs::write(&secret, "").unwrap();
        let concealed = |places: &[&Path], write: &str| {
            let places: Vec<PathBuf> = places.iter().map(|path| path.to_path_buf()).collect();
            let mut missing = Vec::new();
            let found = of(&places, &[top.join(write)], &mut missing).unwrap();
            (found, missing.len())
        };
        let hidden = |places: &[&Path], write: &str| {
            let (found, missing) = concealed(places, write);
            assert!(found.covered.is_empty(), "{write}: {found:?}");
            (found.hidden, missing)
        };
        assert_eq!(hidden(&[&own, &secret], "runs"), (vec![own.clone()], 0));
        for write in ["own", "own/data", "own/secret"] {
            assert_eq!(hidden(&[&own], write), (vec![], 1), "{write}");
        }
        // Of a folder above it, and of a file in that folder.
        let (found, missing) = concealed(&[&own, &secret], "");
        assert_eq!((&found.covered, missing), (&vec![own.clone()], 0));
        assert!(found.hidden.is_empty() && found.exposed().count() == 1);
        assert_eq!(hidden(&[&secret], ""), (vec![], 1));
        assert_eq!(hidden(&[&top.join("nothing")], "runs"), (vec![], 0));
        assert_eq!(hidden(&[&secret.join("below")], "runs"), (vec![], 0));
        fs::hard_link(&secret, top.join("other")).unwrap();
        assert_eq!(hidden(&[&own, &secret], "runs"), (vec![own.clone()], 1));
    }

    #[test]
    fn what_can_not_be_looked_up_or_listed_is_given_to_nobody() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let long = top.join("x".repeat(300));
        assert!(of(&[long], &[], &mut Vec::new()).is_err());
        // Root lists everything; what is no folder can be listed by nobody.
        let no_folder = top.join("file");
        fs::write(&no_folder, "").unwrap();
        let readable = readable_complement(&[no_folder.join("secret")]);
        assert_eq!(readable.unlistable, [no_folder]);
    }

    #[test]
    fn what_is_mounted_once_more_is_concealed_there_too() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let mount = |point: &str, root: &str, device: &str| Mount {
            point: top.join(point),
            root: root.into(),
            device: device.to_owned(),
            file_system: String::new(),
            options: Vec::new(),
        };
        let mounts = [
            mount("", "/disk", "8:1"),
            mount("alias", "/disk/home", "8:1"),
            mount("piece", "/disk/home/own/data", "8:1"),
            mount("beside", "/disk/other", "8:1"),
            mount("foreign", "/disk/home", "8:2"),
        ];
        for folder in [
            "home/own/data",
            "alias/own",
            "piece",
            "beside",
            "foreign/own",
        ] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        let others = bind_mount_aliases(&top.join("home/own"), &mounts);
        assert_eq!(others, ["alias/own", "piece"].map(|path| top.join(path)));
    }
}
