//! The paths that a contract declares as writable.

use std::path::{Component, Path};

use dotwrap_invoke::Template;

/// Looks at the declared paths of a dry run's contract, an `invocation`, whatever calls it.
///
/// # Errors
/// It opens the whole file system, in a sentence for people.
pub fn check_declared_paths(invocation: &serde_json::Value) -> Result<(), String> {
    let writes = invocation["paths"]["write"].as_array();
    let texts = writes.into_iter().flatten();
    let texts = texts.filter_map(|text| text.as_str().map(str::to_owned));
    check_writes(&texts.collect::<Vec<_>>())
}

/// A path that begins with a place is what the call has for it; any other is known now.
pub(crate) fn check_absolute(templates: &[Template], texts: &[String]) -> Result<(), String> {
    let mut both = templates.iter().zip(texts);
    let relative = both.find(|(template, text)| {
        !template.starts_with_placeholder() && !Path::new(text).is_absolute()
    });
    match relative {
        Some((_, text)) => Err(format!("paths.write: `{text}` is not an absolute path")),
        None => Ok(()),
    }
}

pub(crate) fn check_writes(writes: &[String]) -> Result<(), String> {
    match writes.iter().any(|text| is_everything(Path::new(text))) {
        true => Err(opens_everything()),
        false => Ok(()),
    }
}

/// Whether a path is that of the root folder, however it is spelled.
pub(crate) fn is_everything(path: &Path) -> bool {
    let mut depth = 0_usize;
    for part in path.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    path.is_absolute() && depth == 0
}

pub(crate) fn opens_everything() -> String {
    "paths.write: `/` opens the whole file system, and a dry run would have no sandbox: name the folders that the tool writes to".to_owned()
}
