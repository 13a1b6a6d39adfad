//! A whole pair in one call, and the same with the single functions.

mod concurrent_recording;
mod rows;
mod single_functions;
mod status_model;
mod statuses;
