//! Reads a call's files after the tool returned: whether outputs match their schemas and, after a pass, whether the
//! producer's output is unchanged.
//!
//! Outputs may be large, and the leases of other runs have to be renewed meanwhile. Therefore files are read on a
//! blocking thread, until a stop, or until nothing can be read for a minute. The time of it is not the tool's.
//!
//! These read a producer's output, in this order. Besides the verifier two of them read all of it:
//!
//! | reader | reads | notices |
//! | --- | --- | --- |
//! | the invoker, `Secrets::is_in_output` | all of it, only where the contract gives the tool a secret | a secret in the output |
//! | the invoker, `Output::of_within` | **all of it** | a printed output whose file was changed while the tool ran; gives the digest that is committed |
//! | the invoker, `MockSearch` | JSON up to 64 MiB; of anything else usually 64 KiB at each end | that the tool says it only simulated its work |
//! | this module, `Schema::check` | JSON up to 16 MiB, only where the contract has a schema | an output that breaks it |
//! | the verifier | what it likes | whatever it is there for |
//! | this module, `Output::change` | sizes and identities, then **all of it**, only after a pass | an output that was changed, replaced or touched since the digest |
//!
//! The two full readings cannot be one: the verifier runs between them, and may write to the output.

use std::path::{Path, PathBuf};

use dotwrap_invoke::{
    Answer, CallOutcome, Failure, Produced, ReadInterrupted, ReadLimit, ReadProgress, Stop,
    read_apart,
};
use dotwrap_wrapper::{ComponentRole, Verdict};

use crate::{Prepared, assess::VerifiedOutput, schema::Schema};

/// The findings, or why the files were not read.
pub(crate) type Checked = Result<ReadAgain, ReadInterrupted>;

/// The findings.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadAgain {
    /// The schema violation of the output.
    pub(crate) schema: Option<Failure>,
    /// The difference between the committed output and the present one.
    pub(crate) change: Option<String>,
}

/// What to read.
struct Reading {
    schemas: Vec<Schema>,
    output: PathBuf,
    /// The output that a pass is about. After any other verdict a change does not matter.
    passed: Option<Produced>,
}

/// Reads the files of a completed call.
pub(crate) async fn check(
    prepared: &Prepared,
    role: ComponentRole,
    answer: &Answer,
    subject: &VerifiedOutput,
    mut stop: Stop,
    progress: &ReadProgress,
) -> Checked {
    let reading = Reading::of(prepared, role, answer, subject);
    if answer.ending != CallOutcome::Completed || reading.is_empty() {
        return Ok(ReadAgain::default());
    }
    read_apart(move |limit| reading.read(limit), &mut stop, progress).await
}

impl Reading {
    fn of(
        prepared: &Prepared,
        role: ComponentRole,
        answer: &Answer,
        subject: &VerifiedOutput,
    ) -> Self {
        let of_pair = match role {
            ComponentRole::Producer => &[],
            ComponentRole::Verifier => &prepared.verifier_schema[..],
        };
        let of_its_own = prepared.side(role).output_schema.as_ref();
        let is_pass = role == ComponentRole::Verifier && answer.verdict == Some(Verdict::Pass);
        Self {
            schemas: of_pair
                .iter()
                .flatten()
                .chain(of_its_own)
                .cloned()
                .collect(),
            // A missing output is checked like an empty one and fails.
            output: answer
                .output
                .as_ref()
                .map(|output| output.path.clone())
                .unwrap_or_default(),
            passed: subject.produced.clone().filter(|_| is_pass),
        }
    }

    fn is_empty(&self) -> bool {
        self.schemas.is_empty() && self.passed.is_none()
    }

    fn read(&self, limit: &ReadLimit) -> ReadAgain {
        ReadAgain {
            schema: broken(&self.schemas, &self.output, limit),
            change: self
                .passed
                .as_ref()
                .and_then(|passed| change(passed, limit)),
        }
    }
}

fn broken(schemas: &[Schema], output: &Path, limit: &ReadLimit) -> Option<Failure> {
    schemas
        .iter()
        .find_map(|schema| schema.check(output, limit).err())
}

fn change(passed: &Produced, limit: &ReadLimit) -> Option<String> {
    match passed.output.change(limit) {
        Ok(change) => change.map(|change| change.to_string()),
        Err(error) => Some(format!("it cannot be read any more: {error}")),
    }
}
