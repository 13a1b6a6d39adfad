//! The earlier output that a run verifies again.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use dotwrap_invoke::{Digest, UnsupportedContract};
use dotwrap_wrapper::{Actor, CandidateCode, ComponentRole, DotCode, ProcessRunId, Wrapper};
use url::Url;

use super::reverify::fields_of;
use crate::Error;

/// An earlier output, as the ledger has it.
pub(super) struct Subject {
    pub(super) run: ProcessRunId,
    pub(super) producer: DotCode,
    pub(super) candidate: CandidateCode,
    pub(super) input_ref: Option<String>,
    /// Where it lies, as far as is known.
    pub(super) output_ref: String,
    pub(super) path: PathBuf,
    pub(super) committed: Digest,
    pub(super) fields: BTreeMap<String, String>,
    /// The runner that made it: host and process.
    runner: Option<String>,
}

impl Subject {
    /// Reads it. None: the run has no output that could be verified again, as the database will say.
    pub(super) async fn of(wrapper: &Wrapper, run: ProcessRunId) -> Result<Option<Self>, Error> {
        let Some(found) = wrapper.run(run).await? else {
            return Ok(None);
        };
        let components = wrapper.components_of(run).await?.into_iter();
        let producer = { components }.find(|one| one.component_role == ComponentRole::Producer);
        let Some(producer) = producer.filter(|_| found.concluded_at.is_some()) else {
            return Ok(None);
        };
        let digest = producer
            .output_digest
            .as_deref()
            .and_then(|text| text.parse().ok());
        let output_ref = found.output_moved_to.or(producer.output_ref);
        let path = output_ref.as_deref().and_then(path_of);
        let (Some(committed), Some(output_ref), Some(path)) = (digest, output_ref, path) else {
            return Ok(None);
        };
        Ok(Some(Self {
            run,
            producer: producer.dot_code,
            candidate: found.process_candidate_code,
            input_ref: found.input_ref,
            output_ref,
            path,
            committed,
            fields: fields_of(&producer.evidence_ref),
            runner: found.evidence_ref["runner"].as_str().map(str::to_owned),
        }))
    }

    /// Refuses an output that is not here and was made on another machine: that it is missing here says nothing.
    pub(super) fn check_machine(&self, runner: &Actor) -> Result<(), Error> {
        let made_by = self.runner.as_deref().and_then(host_of);
        let is_elsewhere = made_by.is_some() && made_by != host_of(runner.as_str());
        if !is_elsewhere || is_there(&self.path) {
            return Ok(());
        }
        let message = format!(
            "the output {} is not on this machine: it was made on {}",
            self.path.display(),
            made_by.unwrap_or_default()
        );
        let reason = UnsupportedContract::new("output_elsewhere", message)
            .hint("verify it there, or mount what it is on");
        Err(Error::Unusable {
            dot_code: self.producer.clone(),
            reason,
        })
    }
}

fn is_there(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

/// A runner is named after its host and its process.
fn host_of(runner: &str) -> Option<&str> {
    runner.rsplit_once(':').map(|(host, _)| host)
}

/// The path of a `file:` address, or a path.
fn path_of(output_ref: &str) -> Option<PathBuf> {
    if output_ref.starts_with("file:") {
        return Url::parse(output_ref).ok()?.to_file_path().ok();
    }
    Some(PathBuf::from(output_ref)).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_machine_made_and_is_not_here_is_refused() {
        let here = tempfile::NamedTempFile::new().unwrap();
        let subject = |runner: &str, path: &Path| Subject {
            run: ProcessRunId::mint(),
            producer: "DOT_X".into(),
            candidate: "PROC-CAND:x".into(),
            input_ref: None,
            output_ref: format!("file://{}", path.display()),
            path: path.to_owned(),
            committed: Digest::of("x"),
            fields: BTreeMap::new(),
            runner: Some(runner.to_owned()),
        };
        let this = Actor::new("here:1");
        let gone = Path::new("/nowhere/x");
        for (runner, path, is_refused) in [
            ("here:2", gone, false),
            ("there:1", here.path(), false),
            ("there:1", gone, true),
            ("unnamed", gone, false),
        ] {
            let checked = subject(runner, path).check_machine(&this);
            assert_eq!(checked.is_err(), is_refused, "{runner} {}", path.display());
        }
    }

    #[test]
    fn outputs_are_paths_or_addresses_of_files() {
        for (output_ref, path) in [
            ("file:///a/b%20c", Some("/a/b c")),
            ("/a/b", Some("/a/b")),
            ("a/b", None),
            ("https://host/a", None),
        ] {
            assert_eq!(path_of(output_ref), path.map(PathBuf::from), "{output_ref}");
        }
    }
}
