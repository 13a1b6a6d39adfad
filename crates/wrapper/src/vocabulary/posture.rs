//! What the gates allow at an instant.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, Display, EnumString, VariantArray};

use super::read_from_text_column;

/// What the gates allow at this instant, weakest first. As shipped: [`Posture::NoExecute`].
///
/// The database computes it; nothing here does.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    AsRefStr,
    Display,
    EnumString,
    VariantArray,
    Serialize,
    Deserialize,
)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Posture {
    /// Nothing may be executed; simulated evidence may be recorded.
    NoExecute,
    /// Tools may run in a mode that changes nothing.
    DryRunOnly,
    /// Tools may run for real.
    RealRun,
}

read_from_text_column!(Posture);
