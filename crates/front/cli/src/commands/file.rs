//! Files that are read whole, or standard input in place of one.
use std::path::Path;

use crate::failure::Failure;

/// The text of a file, and how messages name it; `-` is standard input.
pub(super) fn read(file: &Path) -> Result<(String, String), Failure> {
    let (text, name) = if file.as_os_str() == "-" {
        let text = std::io::read_to_string(std::io::stdin());
        (text, "standard input".to_owned())
    } else {
        (std::fs::read_to_string(file), file.display().to_string())
    };
    match text {
        Ok(text) => Ok((text, name)),
        Err(error) => Err(Failure::usage(format!("{name} cannot be read: {error}"))),
    }
}
