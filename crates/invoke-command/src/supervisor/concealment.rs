//! What a tool can not read. The sandbox gives rights to whatever lies below a path and takes none away, so everything but one place is
//! given by what lies beside that place, and beside each folder on the way to it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// The canonical paths of what can be concealed, none below another. `missing` is told what can not be, and why.
///
/// What may be written in there, beside or above it would be a way around: it is not concealed then, and nothing is pretended.
pub(super) fn of(
    places: &[PathBuf],
    writes: &[PathBuf],
    missing: &mut Vec<String>,
) -> Vec<PathBuf> {
    let writes: Vec<PathBuf> = writes
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let mut hidden: Vec<PathBuf> = Vec::new();
    for place in places {
        match hideable(place, &writes) {
            Ok(path) => hidden.push(path),
            Err(why) => missing.push(unconcealed(&format!("{}: {why}", place.display()))),
        }
    }
    let all = hidden.clone();
    hidden.retain(|path| {
        let is_below = |other: &PathBuf| path != other && path.starts_with(other);
        !all.iter().any(is_below)
    });
    // Two names may have led to one place.
    hidden.sort();
    hidden.dedup();
    hidden
}

/// All that may be read where these places may not; none where there are none, or where it can not be listed, which `missing` is told.
/// Files that only a link leads to have their own place. What is put beside the places later is not in it.
pub(super) fn all_but(hidden: &[PathBuf], missing: &mut Vec<String>) -> Option<Vec<PathBuf>> {
    if hidden.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    match look(Path::new("/"), hidden, &mut found) {
        Ok(()) => Some(found),
        Err(error) => {
            missing.push(unconcealed(&error.to_string()));
            None
        }
    }
}

fn hideable(place: &Path, writes: &[PathBuf]) -> Result<PathBuf, String> {
    let path = place.canonicalize().map_err(|error| error.to_string())?;
    let found = path.metadata().map_err(|error| error.to_string())?;
    if found.is_file() && found.nlink() > 1 {
        return Err("it has another name, a hard link".to_owned());
    }
    let is_way_around = |open: &&PathBuf| open.starts_with(&path) || path.starts_with(open);
    match writes.iter().find(is_way_around) {
        Some(open) => Err(format!("the contract opens {}", open.display())),
        None => Ok(path),
    }
}

fn unconcealed(why: &str) -> String {
    format!("reading dotwrap's own passwords: {why}")
}

fn look(folder: &Path, files: &[PathBuf], found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| named(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| named(folder, &error))?;
        let path = entry.path();
        if files.contains(&path) {
            continue;
        }
        if files.iter().any(|file| file.starts_with(&path)) {
            look(&path, files, found)?;
        } else if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            // A link is not followed: it may lead to where it all begins.
            found.push(path);
        }
    }
    Ok(())
}

fn named(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
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
        let mut missing = Vec::new();
        let mut found = all_but(&files, &mut missing).unwrap();
        assert_eq!(missing, [""; 0]);
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
        let hidden = |places: &[&Path], write: &str| {
            let places: Vec<PathBuf> = places.iter().map(|path| path.to_path_buf()).collect();
            let mut missing = Vec::new();
            let hidden = of(&places, &[top.join(write)], &mut missing);
            (hidden, missing.len())
        };
        assert_eq!(hidden(&[&own, &secret], "runs"), (vec![own.clone()], 0));
        for write in ["", "own", "own/data", "own/secret"] {
            assert_eq!(hidden(&[&own], write), (vec![], 1), "{write}");
        }
        assert_eq!(hidden(&[&top.join("nothing")], "runs"), (vec![], 1));
        fs::hard_link(&secret, top.join("other")).unwrap();
        assert_eq!(hidden(&[&own, &secret], "runs"), (vec![own.clone()], 1));
    }
}
