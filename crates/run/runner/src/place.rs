//! Watches the path of an output while a verifier reads it. The output's own files may be unchanged while others were
//! at its path: the folders above it were renamed and renamed back, or a file system was mounted over it and unmounted.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use dotwrap_invoke::current_mounts;
use tokio::task::JoinHandle;

/// The state of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    /// The folders above it. Renaming one changes its `ctime`, and so does renaming an entry in it.
    folders: Vec<Folder>,
    mount: Option<u64>,
    /// The number of mounts at the output or in it.
    mounts_within: usize,
}

/// The paths of an output, and of the folders above it inside its run's folder.
#[derive(Clone, Debug)]
struct Paths {
    output: PathBuf,
    folders: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Folder {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

/// Watches the path of an output until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    at: Paths,
    before: io::Result<Seen>,
    was_other: Arc<AtomicBool>,
    watching: Option<JoinHandle<()>>,
}

impl Place {
    /// Starts watching an output in its run's folder. From now on a new entry directly in either folder counts as a
    /// change.
    pub(crate) fn watch(output: &Path, run: &Path) -> Self {
        let above = output.ancestors().skip(1);
        let at = Paths {
            output: output.to_owned(),
            folders: above
                .take_while(|folder| folder.starts_with(run))
                .map(Path::to_owned)
                .collect(),
        };
        let was_other = Arc::<AtomicBool>::default();
        let before = at.look();
        let watching = before.as_ref().ok().and_then(|before| {
            let (at, before) = (at.clone(), before.clone());
            let was_other = Arc::clone(&was_other);
            // Otherwise mounts are compared before and after.
            on_each_mount(move || {
                if !at.look().is_ok_and(|now| now == before) {
                    was_other.store(true, Ordering::SeqCst);
                }
            })
            .inspect_err(|error| tracing::debug!(%error, "mounts are not watched"))
            .ok()
        });
        Self {
            at,
            before,
            was_other,
            watching,
        }
    }

    /// Why the path is, or was meanwhile, another one; None where it did not change.
    pub(crate) fn change(&self) -> Option<String> {
        let before = match &self.before {
            Ok(before) => before,
            Err(error) => return Some(format!("its folder could not be looked at: {error}")),
        };
        let now = match self.at.look() {
            Ok(now) => now,
            Err(error) => {
                return Some(format!("its folder cannot be looked at any more: {error}"));
            }
        };
        if now.folders != before.folders {
            return Some("a folder that it is in was replaced or touched".to_owned());
        }
        let is_other = now != *before || self.was_other.load(Ordering::SeqCst);
        is_other.then(|| "something is or was mounted over it".to_owned())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(watching) = &self.watching {
            watching.abort();
        }
    }
}

impl Paths {
    fn look(&self) -> io::Result<Seen> {
        let folders = self.folders.iter().map(|folder| Folder::at(folder));
        let mounts = current_mounts()?;
        let within = mounts
            .iter()
            .filter(|mount| mount.point.starts_with(&self.output));
        Ok(Seen {
            folders: folders.collect::<io::Result<_>>()?,
            mount: mount_of(&self.output)?,
            mounts_within: within.count(),
        })
    }
}

impl Folder {
    /// A symbolic link is not followed.
    fn at(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        if !found.is_dir() {
            let what = format!("{} is a link or no folder", path.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
        }
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// The mount that contains a path; None where the kernel does not report it (before 5.8).
#[cfg(target_os = "linux")]
fn mount_of(path: &Path) -> io::Result<Option<u64>> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

    let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::MNT_ID)?;
    let is_told = found.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    Ok(is_told.then_some(found.stx_mnt_id))
}

#[cfg(not(target_os = "linux"))]
fn mount_of(_path: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Calls the function soon after each mount or unmount.
#[cfg(target_os = "linux")]
fn on_each_mount(does: impl Fn() + Send + 'static) -> io::Result<JoinHandle<()>> {
    use tokio::io::{Interest, unix::AsyncFd};

    // The kernel reports changes to a process that holds the list open.
    let list = fs::File::open("/proc/self/mountinfo")?;
    #[expect(
        deprecated,
        reason = "what is registered owns its descriptor, and the other way is unsafe code"
    )]
    let list = AsyncFd::with_interest(list, Interest::PRIORITY)?;
    Ok(tokio::spawn(async move {
        while let Ok(mut changed) = list.ready(Interest::PRIORITY).await {
            changed.clear_ready();
            does();
        }
    }))
}

#[cfg(not(target_os = "linux"))]
fn on_each_mount(_does: impl Fn() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Err(io::ErrorKind::Unsupported.into())
}
