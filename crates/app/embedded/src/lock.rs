//! Lock files. The kernel releases a lock when its process ends, also by `kill -9`, and a reused process id cannot
//! pretend to hold it.
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{AtPath, Error};
use crate::files;

/// The poll interval for a held lock.
const PAUSE: Duration = Duration::from_millis(20);

/// The lock mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Shared: any number of holders.
    Shared,
    /// Exclusive: one holder, and no shared ones.
    Exclusive,
}

/// A held lock; dropping it releases the lock.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Acquires the lock without waiting, if it is free.
    pub(crate) fn try_take(path: &Path, mode: Mode) -> Result<Option<Self>, Error> {
        let file = files::open_to_append(path)?;
        let lock = Self { file };
        Ok(lock.try_mode(path, mode)?.then_some(lock))
    }

    /// Requests the lock in this mode without waiting, also as a conversion of a held one.
    fn try_mode(&self, path: &Path, mode: Mode) -> Result<bool, Error> {
        let taken = match mode {
            Mode::Shared => self.file.try_lock_shared(),
            Mode::Exclusive => self.file.try_lock(),
        };
        match taken {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(source).at("lock", path),
        }
    }

    /// Acquires the lock, and blocks the thread until it is free.
    pub(crate) fn wait(path: &Path, mode: Mode, wait_limit: LockTimeout) -> Result<Self, Error> {
        loop {
            if let Some(lock) = Self::try_take(path, mode)? {
                return Ok(lock);
            }
            wait_limit.check(path)?;
            std::thread::sleep(PAUSE);
        }
    }

    /// As [`Lock::wait`], without blocking the thread.
    pub(crate) async fn acquire(
        path: &Path,
        mode: Mode,
        wait_limit: LockTimeout,
    ) -> Result<Self, Error> {
        loop {
            if let Some(lock) = Self::try_take(path, mode)? {
                return Ok(lock);
            }
            wait_limit.check(path)?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether a process holds the lock exclusively.
    pub(crate) fn is_held(path: &Path) -> Result<bool, Error> {
        Ok(Self::try_take(path, Mode::Shared)?.is_none())
    }

    /// Upgrades a shared lock to an exclusive one, if no other process holds a share. A failure may lose the share as
    /// well: call [`Lock::downgrade_to_shared`] afterwards in any case.
    pub(crate) fn try_upgrade_to_exclusive(&self, path: &Path) -> Result<bool, Error> {
        self.try_mode(path, Mode::Exclusive)
    }

    /// Converts the lock to a shared one.
    pub(crate) async fn downgrade_to_shared(
        &self,
        path: &Path,
        wait_limit: LockTimeout,
    ) -> Result<(), Error> {
        loop {
            if self.try_mode(path, Mode::Shared)? {
                return Ok(());
            }
            wait_limit.check(path)?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The locked file. A process that inherits it holds the lock too, until it ends.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

/// How long to wait for a lock, and how to name what its holder is doing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockTimeout {
    doing: &'static str,
    begun: Instant,
    limit: Duration,
}

impl LockTimeout {
    /// From now on, at most this long.
    pub(crate) fn of(limit: Duration, doing: &'static str) -> Self {
        Self {
            doing,
            begun: Instant::now(),
            limit,
        }
    }

    pub(crate) fn check(&self, path: &Path) -> Result<(), Error> {
        if self.begun.elapsed() < self.limit {
            return Ok(());
        }
        Err(Error::Busy {
            doing: self.doing,
            path: PathBuf::from(path),
            seconds: self.limit.as_secs(),
        })
    }
}
