//! The length limits of texts, in characters, and the handling of longer texts.

mod arguments;
mod evidence;
mod index_entries;
