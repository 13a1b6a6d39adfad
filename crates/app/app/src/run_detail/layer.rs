//! One layer of a run.
use std::fmt;

use jiff::Timestamp;

use crate::{Label, Tone};

/// What a run did in one layer.
#[derive(Debug)]
pub struct Layer {
    /// The layer, in capitals: `GATE`, `LEASE`, …
    pub name: &'static str,
    /// What it means as a whole.
    pub tone: Tone,
    /// When it was, where the ledger has that.
    pub time: Option<Timestamp>,
    /// The layer's own line.
    pub headline: Vec<Label>,
    /// Further lines, each with its name.
    pub facts: Vec<(&'static str, Label)>,
}

impl Layer {
    pub(crate) fn new(name: &'static str, tone: Tone) -> Self {
        Self {
            name,
            tone,
            time: None,
            headline: Vec::new(),
            facts: Vec::new(),
        }
    }

    /// When it was, where the ledger has that.
    pub(crate) fn at(mut self, time: Option<Timestamp>) -> Self {
        self.time = time;
        self
    }

    /// Adds to the layer's own line.
    pub(crate) fn headline(mut self, label: Label) -> Self {
        self.headline.push(label);
        self
    }

    /// Adds a line beneath, where there is a value.
    pub(crate) fn field(mut self, name: &'static str, value: Option<impl fmt::Display>) -> Self {
        if let Some(value) = value {
            self.facts.push((name, Label::plain(value)));
        }
        self
    }
}
