//! The files that lie beside a catalogue, for fixtures that are kept in a file of their own.
use std::path::{Component, Path, PathBuf};

use include_dir::Dir;

/// Where a catalogue's own files are.
#[derive(Clone, Debug)]
pub enum FileSource {
    /// In this folder.
    Folder(PathBuf),
    /// In the program.
    Program(&'static Dir<'static>),
    /// Nowhere: it came through standard input.
    Nowhere,
}

impl FileSource {
    /// The folder that a catalogue's file is in.
    pub fn of_file(file: &Path) -> Self {
        Self::Folder(file.parent().unwrap_or(Path::new("")).to_owned())
    }

    /// The text of a file, named by its path below the catalogue's folder. Whoever wrote the catalogue may be somebody
    /// else than who imports it: no other path is read.
    pub(crate) fn text(&self, path: &str) -> Result<String, String> {
        let is_below = !path.is_empty()
            && Path::new(path)
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_below {
            return Err(format!(
                "file: `{path}` is not a path below the catalogue's folder"
            ));
        }
        match self {
            Self::Folder(folder) => std::fs::read_to_string(folder.join(path))
                .map_err(|error| format!("file: {path} cannot be read: {error}")),
            Self::Program(folder) => folder
                .get_file(path)
                .and_then(include_dir::File::contents_utf8)
                .map(str::to_owned)
                .ok_or_else(|| format!("file: {path} is not in the program")),
            Self::Nowhere => Err(
                "file: standard input has no folder that the file could be in; say `body`"
                    .to_owned(),
            ),
        }
    }
}
