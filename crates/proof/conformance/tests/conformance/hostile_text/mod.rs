//! Text from people and programs: blank, invisible, quoted, and in every script.

mod blank;
mod characters;
mod names;
mod required_texts;
mod stored_text;
