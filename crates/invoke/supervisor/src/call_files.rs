//! Which files a call began with: the program's and the run's input, by their digests.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use dotwrap_invoke::{
    Answer, CallOutcome, Digest, ReadInterrupted, ReadLimit, ReadProgress, ReadyThread,
    StampedFile, Stop, add_warning, read_apart_by,
};
use serde_json::{Map, Value as Json};
use tokio::{task::JoinSet, time::timeout};

use crate::{Supervisor, supervisor::open_input};

/// How long the digests are waited for after a call that came to nothing.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The files of a call, open before its program is started. The digests are made while it runs, from what was opened:
/// whoever replaces a file meanwhile changes nothing, and whoever writes to it is noticed.
#[derive(Debug)]
pub struct CallFiles {
    /// Taken before the program is there, which could use up what the account may have of them.
    thread: ReadyThread,
    path: PathBuf,
    program: Result<StampedFile, NotDigested>,
    input: Option<Result<StampedFile, NotDigested>>,
}

/// The run's input, where it is the path of a file.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// The path, absolute.
    pub path: PathBuf,
    /// How many bytes it may have to be read.
    pub max_bytes: u64,
}

/// Digests that are being made. Dropping them ends that.
#[derive(Debug)]
pub struct PendingDigests(JoinSet<Digests>);

type Digested = Result<Digest, NotDigested>;

#[derive(Debug)]
struct Digests {
    program: Digested,
    input: Option<Digested>,
}

/// Why there is no digest, as the evidence says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::AsRefStr)]
#[strum(serialize_all = "snake_case")]
enum NotDigested {
    /// It changed while it was used.
    Changed,
    /// It has more bytes than the contract wants to be read.
    TooLarge,
    /// This account cannot read it, or it is no file whose content lies still.
    Unreadable,
    /// The call's time was over, or it was stopped.
    Interrupted,
}

impl CallFiles {
    /// Opens the program's file, and the input's where that is a file. What cannot be opened is said in the evidence.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub async fn open(
        supervisor: &Supervisor,
        program: &Path,
        input: Option<InputFile>,
        stop: &mut Stop,
    ) -> io::Result<Self> {
        let (path, concealed) = (program.to_owned(), supervisor.concealed());
        let reader = ReadyThread::new()?;
        // A file system that does not answer keeps a thread, and not this one.
        let opening = move |_limit: &ReadLimit| {
            let program = opened(File::open(path));
            let input = input.map(|input| open_within(&input, &concealed));
            (program, input)
        };
        let opened = read_apart_by(reader, opening, stop, &ReadProgress::default()).await;
        let (program_file, input) = opened.unwrap_or((Err(NotDigested::Interrupted), None));
        Ok(Self {
            thread: ReadyThread::new()?,
            path: program.to_owned(),
            program: program_file,
            input: input.flatten(),
        })
    }

    /// Begins to read. Call it when the program has been started: it looks whether the path still leads to the file that
    /// was opened, and so whether that is what was started.
    pub fn digest(self, mut stop: Stop) -> PendingDigests {
        let Self {
            thread,
            path,
            program,
            input,
        } = self;
        let mut pending = JoinSet::new();
        pending.spawn(async move {
            let had_input = input.is_some();
            let reading = move |limit: &ReadLimit| {
                let program = program.and_then(|file| match file.is_at(&path) {
                    true => ended(file.kept_digest(limit)),
                    false => Err(NotDigested::Changed),
                });
                let input = input.map(|file| file.and_then(|file| ended(file.digest(limit))));
                Digests { program, input }
            };
            let read = read_apart_by(thread, reading, &mut stop, &ReadProgress::default()).await;
            read.unwrap_or_else(|_why: ReadInterrupted| Digests::interrupted(had_input))
        });
        PendingDigests(pending)
    }
}

impl PendingDigests {
    /// Adds what was digested to the answer of the call. After a call that came to nothing, nobody waits long for it.
    pub async fn add_to(self, mut answer: Answer) -> Answer {
        let is_done = answer.ending == CallOutcome::Completed;
        self.add(&mut answer.evidence, is_done).await;
        answer
    }

    /// As [`PendingDigests::add_to`], for evidence that is no answer yet.
    pub async fn add(mut self, evidence: &mut Map<String, Json>, is_done: bool) {
        let joined = match is_done {
            // The reading ends by itself where it makes no progress.
            true => self.0.join_next().await,
            false => {
                let read = timeout(AFTER_FAILURE, self.0.join_next()).await;
                read.ok().flatten()
            }
        };
        let digests = joined.and_then(Result::ok);
        let digests = digests.unwrap_or(Digests::interrupted(false));
        note(evidence, "program", digests.program);
        if digests.program == Err(NotDigested::Changed) {
            let message = "the program's file changed while it was started, so that nobody knows which one ran";
            add_warning(evidence, "program_changed", message);
        }
        if let Some(input) = digests.input {
            note(evidence, "input", input);
        }
    }
}

impl Digests {
    fn interrupted(had_input: bool) -> Self {
        Self {
            program: Err(NotDigested::Interrupted),
            input: had_input.then_some(Err(NotDigested::Interrupted)),
        }
    }
}

fn note(evidence: &mut Map<String, Json>, what: &str, digested: Digested) {
    match digested {
        Ok(digest) => evidence.insert(format!("{what}_sha256"), digest.to_hex().into()),
        Err(why) => evidence.insert(format!("{what}_not_digested"), why.as_ref().into()),
    };
}

fn opened(file: io::Result<File>) -> Result<StampedFile, NotDigested> {
    let stamped = file.and_then(StampedFile::of);
    stamped.map_err(|_error| NotDigested::Unreadable)
}

/// None: it is a folder, or there is nothing; the input is then no file.
fn open_within(
    input: &InputFile,
    concealed: &[PathBuf],
) -> Option<Result<StampedFile, NotDigested>> {
    if !input.path.metadata().ok()?.is_file() {
        return None;
    }
    let file = opened(open_input(&input.path, concealed));
    Some(file.and_then(|file| match file.size() <= input.max_bytes {
        true => Ok(file),
        false => Err(NotDigested::TooLarge),
    }))
}

fn ended(digest: io::Result<Option<Digest>>) -> Digested {
    match digest {
        Ok(digest) => digest.ok_or(NotDigested::Changed),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(NotDigested::Interrupted),
        Err(_) => Err(NotDigested::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    async fn evidence(files: CallFiles) -> Map<String, Json> {
        let mut evidence = Map::new();
        let pending = files.digest(Stop::never());
        pending.add(&mut evidence, true).await;
        evidence
    }

    async fn opened(supervisor: &Supervisor, program: &Path, input: Option<&Path>) -> CallFiles {
        let input = input.map(|path| InputFile {
            path: path.to_owned(),
            max_bytes: 100,
        });
        CallFiles::open(supervisor, program, input, &mut Stop::never())
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn program_that_is_replaced_before_it_starts_is_said_to_have_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (program, new) = (folder.path().join("program"), folder.path().join("new"));
        fs::write(&program, "old").unwrap();
        fs::write(&new, "new").unwrap();
        let supervisor = Supervisor::with_executable("/bin/true");
        let unchanged = evidence(opened(&supervisor, &program, None).await).await;
        assert_eq!(unchanged["program_sha256"], Digest::of("old").to_hex());
        let files = opened(&supervisor, &program, None).await;
        fs::rename(&new, &program).unwrap();
        let changed = evidence(files).await;
        assert_eq!(changed["program_not_digested"], "changed");
        assert_eq!(changed["warnings"][0]["code"], "program_changed");
        assert!(!changed.contains_key("program_sha256"));
    }

    #[tokio::test]
    async fn input_that_is_kept_from_tools_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "pin 1234").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        let kept = secret.clone();
        let supervisor = Supervisor::with_executable("/bin/true")
            .hiding_paths_dynamic(move || vec![kept.clone()]);
        let program = Path::new("/bin/sh");
        for path in [&secret, &link] {
            let evidence = evidence(opened(&supervisor, program, Some(path)).await).await;
            assert_eq!(evidence["input_not_digested"], "unreadable");
        }
        let open = Supervisor::with_executable("/bin/true");
        let evidence = evidence(opened(&open, program, Some(&link)).await).await;
        assert_eq!(evidence["input_sha256"], Digest::of("pin 1234").to_hex());
    }
}
