//! What is known of a call, for the evidence: small, and without secrets.

use dotwrap_invoke::add_warning;
use dotwrap_supervisor::{PendingDigests, RecordedArgv};
use rmcp::model::{ServerPeerInfo, ToolAnnotations};
use serde_json::{Map, Value as Json, json};

/// A server chooses its own name, version and titles; they are cut to this many characters.
const LONGEST_TEXT: usize = 200;

const REDACTED: &str = "(hidden)";

/// What was found out so far.
#[derive(Debug)]
pub(crate) struct Evidence {
    evidence: Map<String, Json>,
    secrets: Vec<String>,
    is_started: bool,
    is_called: bool,
}

impl Evidence {
    /// `secrets`: what must not be repeated, should the server say it.
    pub(crate) fn new(transport: &str, tool: &str, secrets: Vec<String>) -> Self {
        let mut facts = Self {
            evidence: Map::new(),
            // A very short value would be found in every text, and hiding it would give it away.
            secrets: secrets
                .into_iter()
                .filter(|secret| secret.chars().count() >= 4)
                .collect(),
            is_started: false,
            is_called: false,
        };
        facts.note("transport", transport);
        facts.note("tool", tool);
        facts
    }

    pub(crate) fn note(&mut self, name: &str, fact: impl Into<Json>) {
        self.evidence.insert(name.to_owned(), fact.into());
    }

    /// Adds a warning.
    pub(crate) fn warn(&mut self, code: &str, message: &str) {
        add_warning(&mut self.evidence, code, message);
    }

    /// Adds the variables that the contract names and the runner does not have, if any.
    pub(crate) fn environment_missing(&mut self, names: &[String]) {
        if names.is_empty() {
            return;
        }
        self.note("environment_missing", names);
        let message = format!("the runner's environment lacks {}", names.join(", "));
        self.warn("environment_missing", &message);
    }

    /// Adds the arguments of the server's program.
    pub(crate) fn argv(&mut self, recorded: RecordedArgv) {
        self.note("argv", recorded.argv);
        if recorded.is_cut {
            self.note("argv_cut", true);
        }
    }

    /// Adds what was digested, once it is.
    pub(crate) async fn digests(&mut self, digests: PendingDigests, is_done: bool) {
        digests.add(&mut self.evidence, is_done).await;
    }

    /// From here on a program runs that is not ours: it may do something before it is spoken to, and whether it ever
    /// is.
    pub(crate) fn started(&mut self) {
        self.is_started = true;
    }

    pub(crate) fn is_started(&self) -> bool {
        self.is_started
    }

    /// Whether anything ran that may have done something: the server's program, or the tool.
    pub(crate) fn has_run(&self) -> bool {
        self.is_started || self.is_called
    }

    /// From here on the tool may have done something.
    pub(crate) fn called(&mut self) {
        self.is_called = true;
    }

    pub(crate) fn is_called(&self) -> bool {
        self.is_called
    }

    pub(crate) fn server(&mut self, server: &ServerPeerInfo) {
        let revision = self.said(server.protocol_version.as_str());
        self.note("protocol_revision", revision);
        let said = server.server_info.as_ref().map(|implementation| {
            json!({
                "name": self.said(&implementation.name),
                "version": self.said(&implementation.version),
            })
        });
        self.note("server_info", said.unwrap_or(Json::Null));
    }

    pub(crate) fn annotations(&mut self, annotations: Option<&ToolAnnotations>) {
        let said = annotations.map(|said| {
            let hints = [
                (
                    "title",
                    said.title
                        .as_deref()
                        .map(|title| Json::from(self.said(title))),
                ),
                ("readOnlyHint", said.read_only_hint.map(Json::from)),
                ("destructiveHint", said.destructive_hint.map(Json::from)),
                ("idempotentHint", said.idempotent_hint.map(Json::from)),
                ("openWorldHint", said.open_world_hint.map(Json::from)),
            ];
            hints
                .into_iter()
                .filter_map(|(name, hint)| Some((name.to_owned(), hint?)))
                .collect::<Map<_, _>>()
        });
        self.note("annotations", said.unwrap_or_default());
        self.note("annotations_note", "hints of the server, not checked");
    }

    /// A text of the server's, cut, and without what must not be repeated.
    fn said(&self, text: &str) -> String {
        let shown = self.secrets.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret, REDACTED)
        });
        shown
            .chars()
            .filter(|character| !character.is_control())
            .take(LONGEST_TEXT)
            .collect()
    }

    /// All of it.
    pub(crate) fn into_evidence(mut self) -> Map<String, Json> {
        self.note("called", self.is_called);
        if self.is_started {
            self.note("program_started", true);
        }
        self.evidence
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_the_server_repeats_is_hidden() {
        let facts = Evidence::new("stdio", "a", vec!["hunter22".to_owned(), "a".to_owned()]);
        assert_eq!(facts.said("my hunter22\nis mine"), "my (hidden)is mine");
        assert_eq!(facts.said(&"x".repeat(1000)).len(), LONGEST_TEXT);
    }
}
