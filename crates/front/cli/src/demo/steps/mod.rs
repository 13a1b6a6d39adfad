//! The steps, in the order of the design's drawing.

pub(super) mod check;
pub(super) mod executing;
pub(super) mod gates;
pub(super) mod install;
pub(super) mod ladder;
pub(super) mod record;
pub(super) mod refusals;
pub(super) mod registry;
pub(super) mod stopping;
