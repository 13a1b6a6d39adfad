//! Isolation of a dry run beyond file contents: attributes, hidden paths, other processes, and the tool's input and
//! output.

mod attributes;
mod hidden_paths;
mod input_files;
mod output_paths;
mod processes;
mod sandbox_dirs;
