//! The call's own folder.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use dotwrap_invoke::ToolCall;

/// The call's own folder, and what is where in it.
///
/// ```text
/// work/          the working folder
/// output         what a producer makes: a file, or a folder
/// placed/        the same of a dry run whose contract has a path for it, under that path's name
/// stdout stderr  what it printed
/// tmp/ tmp/home/ TMPDIR and HOME
/// fixture.json   the contract's fixture, if it names one
/// ```
#[derive(Clone, Debug)]
pub struct CallFolder(PathBuf);

impl CallFolder {
    /// The folder of a call, with what has to be there before the tool starts.
    ///
    /// # Errors
    /// The file system's; `AlreadyExists` where the folder was used before.
    pub fn of(call: &ToolCall) -> io::Result<Self> {
        call.make_folder()
            .map_err(|error| path_error(&call.folder, &error))?;
        let folder = Self(call.folder.clone());
        for below in [folder.work(), folder.temporary(), folder.home()] {
            let made = DirBuilder::new().mode(0o700).create(&below);
            made.map_err(|error| path_error(&below, &error))?;
        }
        if let Some(fixture) = &call.fixture {
            let mut file = new_file(&folder.fixture())?;
            file.write_all(&serde_json::to_vec_pretty(&fixture.body)?)?;
        }
        Ok(folder)
    }

    /// The folder of a call that was made, or will be.
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The working folder.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Where a producer puts its output.
    pub fn output(&self) -> PathBuf {
        self.0.join("output")
    }

    /// Where a dry run's output is, in place of the path that its contract has for it.
    pub fn placed(&self) -> PathBuf {
        self.0.join("placed")
    }

    /// What it printed.
    pub fn stdout(&self) -> PathBuf {
        self.0.join("stdout")
    }

    /// What it complained.
    pub fn stderr(&self) -> PathBuf {
        self.0.join("stderr")
    }

    /// `TMPDIR`.
    pub fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }

    /// `HOME`.
    pub fn home(&self) -> PathBuf {
        self.0.join("tmp/home")
    }

    /// The fixture's body, as JSON.
    pub fn fixture(&self) -> PathBuf {
        self.0.join("fixture.json")
    }
}

/// The same error, with what it is about: "File exists" alone does not say which file to remove.
fn path_error(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Creates a file that only this account may read. A link in its place is not followed.
///
/// # Errors
/// The file exists already, or cannot be created.
pub fn new_file(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
