//! What is known of an input that is a path of this machine: where it leads, and of a file its size and time. A backup
//! of `/backups/latest` is a backup of what that link led to.

use std::{fs, path::PathBuf, time::Duration};

use dotwrap_invoke::add_warning;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tokio::{task::spawn_blocking, time::timeout};
use url::Url;

/// The member of the evidence.
const INPUT: &str = "input";

/// How long a look may take: a network file system that hangs must not hold the run.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// An input as it was at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct InputFile {
    /// Without links.
    path: PathBuf,
    #[serde(flatten)]
    file: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Content {
    bytes: u64,
    modified_at: Option<Timestamp>,
}

impl InputFile {
    /// Looks at an input. None: it is no absolute path and no `file:` address, nothing is there, or it cannot be
    /// looked at.
    pub(super) async fn of(input_ref: Option<&str>) -> Option<Self> {
        let path = path_of(input_ref?)?;
        let look = spawn_blocking(move || Self::at(path));
        timeout(LOOK_TIMEOUT, look).await.ok()?.ok()?
    }

    fn at(path: PathBuf) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let found = fs::metadata(&path).ok()?;
        // The path is evidence, which is text.
        path.to_str()?;
        let modified = || found.modified().ok()?.try_into().ok();
        let file = found.is_file().then(|| Content {
            bytes: found.len(),
            modified_at: modified(),
        });
        Some(Self { path, file })
    }

    /// Adds to the evidence of a call what the input was before the run's first call and what it is now. A change is a
    /// warning: nobody can say which of the two the tool read.
    pub(super) fn note(&self, now: Option<&Self>, evidence: &mut Map<String, Json>) {
        evidence.insert(INPUT.to_owned(), json!({"before": self, "after": now}));
        if now != Some(self) {
            let message = format!("the input {}", self.difference(now));
            add_warning(evidence, "input_changed", &message);
        }
    }

    /// Whether it is another one now.
    pub(super) fn is_changed(&self, now: Option<&Self>) -> bool {
        now != Some(self)
    }

    fn difference(&self, now: Option<&Self>) -> String {
        match now {
            None => "is not there any more".to_owned(),
            Some(now) if now.path != self.path => format!(
                "led to {} before the call and leads to {} now",
                self.path.display(),
                now.path.display()
            ),
            Some(_) => "was changed while the run went on".to_owned(),
        }
    }
}

fn path_of(input: &str) -> Option<PathBuf> {
    if input.starts_with("file:") {
        return Url::parse(input).ok()?.to_file_path().ok();
    }
    let path = PathBuf::from(input);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn at(path: &std::path::Path) -> Option<InputFile> {
        InputFile::of(path.to_str()).await
    }

    #[tokio::test]
    async fn links_are_resolved_and_files_are_measured() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["2026", "latest"].map(|name| folder.path().join(name));
        fs::write(&file, "abc").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let before = at(&link).await.unwrap();
        let seen = serde_json::to_value(&before).unwrap();
        assert_eq!(seen["path"], json!(file.canonicalize().unwrap()));
        assert_eq!(seen["bytes"], 3);
        assert!(seen["modified_at"].is_string(), "{seen}");
        let address = Url::from_file_path(&link).unwrap();
        assert_eq!(
            InputFile::of(Some(address.as_str())).await.as_ref(),
            Some(&before)
        );

        let mut evidence = Map::new();
        before.note(Some(&before), &mut evidence);
        assert_eq!(evidence.get("warnings"), None);
        fs::write(&file, "abcd").unwrap();
        let after = at(&link).await;
        before.note(after.as_ref(), &mut evidence);
        assert_eq!(evidence["warnings"][0]["code"], "input_changed");
        assert_eq!(evidence["input"]["after"]["bytes"], 4);
    }

    #[tokio::test]
    async fn what_is_no_path_of_this_machine_is_nothing() {
        for input in [
            "shop",
            "https://host/x",
            "relative/path",
            "/nowhere/x",
            "file:///nowhere/x",
        ] {
            assert_eq!(InputFile::of(Some(input)).await, None, "{input}");
        }
        assert_eq!(InputFile::of(None).await, None);
        let folder = InputFile::of(Some("/")).await.unwrap();
        assert_eq!(serde_json::to_value(folder).unwrap(), json!({"path": "/"}));
    }
}
