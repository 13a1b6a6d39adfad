//! What a call left: a file, or a folder, with its digest.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use walkdir::WalkDir;

use crate::Digest;

/// What a call left behind, and what it was when the call had ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Where it is.
    pub path: PathBuf,
    /// Of the file; of a folder, of its listing (see [`Output::of`]).
    pub digest: Digest,
    /// In bytes, without what a file system adds.
    pub size: u64,
}

impl Output {
    /// Reads the whole of a file or a folder.
    ///
    /// A folder's digest is that of a listing with one line an entry, in the order of their paths: a kind (`file`, `link`,
    /// `folder`), the digest of the file's content or of the link's target, and the path, each followed by a NUL
    /// character. Times, owners and permissions are not part of it.
    ///
    /// # Errors
    /// What can not be read; a device, a pipe or a socket is `Unsupported`. A link in the output's own place is not followed.
    pub fn of(path: &Path) -> io::Result<Self> {
        let kind = fs::symlink_metadata(path)?.file_type();
        let (digest, size) = if kind.is_file() {
            Digest::of_reader(File::open(path)?)?
        } else if kind.is_dir() {
            of_folder(path)?
        } else {
            return Err(unsupported(path));
        };
        Ok(Self {
            path: path.to_owned(),
            digest,
            size,
        })
    }

    /// Whether what is there now is still what it was.
    ///
    /// # Errors
    /// As [`Output::of`].
    pub fn is_unchanged(&self) -> io::Result<bool> {
        Self::of(&self.path).map(|now| now.digest == self.digest)
    }

    /// How many bytes lie there, in a file or in a folder's files: counted without reading them, and without following links.
    #[must_use]
    pub fn size_at(path: &Path) -> u64 {
        WalkDir::new(path)
            .follow_root_links(false)
            .into_iter()
            .filter_map(|entry| entry.ok()?.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len())
            .sum()
    }
}

fn of_folder(folder: &Path) -> io::Result<(Digest, u64)> {
    let mut listing = Vec::new();
    let mut size = 0;
    for entry in WalkDir::new(folder).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        let kind = entry.file_type();
        let (word, digest) = if kind.is_file() {
            let (digest, length) = Digest::of_reader(File::open(entry.path())?)?;
            size += length;
            ("file", digest.to_hex())
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            (
                "link",
                Digest::of(target.as_os_str().as_encoded_bytes()).to_hex(),
            )
        } else if kind.is_dir() {
            ("folder", String::new())
        } else {
            return Err(unsupported(entry.path()));
        };
        let below = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        for part in [
            word.as_bytes(),
            digest.as_bytes(),
            below.as_os_str().as_encoded_bytes(),
        ] {
            listing.extend_from_slice(part);
            listing.push(0);
        }
        listing.push(b'\n');
    }
    Ok((Digest::of(listing), size))
}

fn unsupported(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("{} is neither a file nor a folder", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    #[test]
    fn a_file_s_digest_is_that_of_its_bytes() {
        let folder = folder_with(&[("a", "abc")]);
        let output = Output::of(&folder.path().join("a")).unwrap();
        assert_eq!((output.digest, output.size), (Digest::of("abc"), 3));
    }

    #[test]
    fn folders_with_the_same_content_have_the_same_digest() {
        let files = [("a", "1"), ("b/c", "2")];
        let one = Output::of(folder_with(&files).path()).unwrap().digest;
        assert_eq!(Output::of(folder_with(&files).path()).unwrap().digest, one);
        for other in [
            &[("a", "1"), ("b/c", "3")][..],
            &[("a", "1"), ("b/d", "2")],
            &[("a", "1")],
            &[("a", "1"), ("b/c", "2"), ("d", "")],
        ] {
            assert_ne!(
                Output::of(folder_with(other).path()).unwrap().digest,
                one,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_flipped_byte_is_noticed() {
        let folder = folder_with(&[("a/b", "abc")]);
        let output = Output::of(folder.path()).unwrap();
        assert!(output.is_unchanged().unwrap());
        fs::write(folder.path().join("a/b"), "abd").unwrap();
        assert!(!output.is_unchanged().unwrap());
    }

    #[test]
    fn a_link_counts_by_its_text_and_what_it_points_to_does_not() {
        let outside = folder_with(&[("a", "abc"), ("b/c", "1")]);
        let folder = folder_with(&[("x", "1")]);
        for name in ["a", "b"] {
            let link = folder.path().join(name);
            std::os::unix::fs::symlink(outside.path().join(name), link).unwrap();
        }
        let output = Output::of(folder.path()).unwrap();
        assert_eq!(output.size, 1);
        fs::write(outside.path().join("a"), "abd").unwrap();
        fs::write(outside.path().join("b/c"), "2").unwrap();
        assert!(output.is_unchanged().unwrap());
        fs::remove_file(folder.path().join("a")).unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.path().join("a")).unwrap();
        assert!(!output.is_unchanged().unwrap());
    }

    #[test]
    fn a_link_in_the_output_s_place_is_not_followed() {
        let folder = folder_with(&[("a", "abc")]);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("a"), &link).unwrap();
        assert_eq!(
            Output::of(&link).unwrap_err().kind(),
            io::ErrorKind::Unsupported
        );
    }
}
