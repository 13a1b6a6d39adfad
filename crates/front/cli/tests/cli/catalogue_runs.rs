//! Pairs of the sample catalogue, called with their real programs: in a dry run, in a real run, and with an output that
//! is changed between producer and verifier. One file per file of `catalogue/`.

mod archives;
mod compression;
mod configuration;
mod copies;
mod databases;
mod disk_images;
mod git;
mod integrity;
mod pair_run;
mod refused;
mod repositories;
mod restored_backups;
mod sql_repair;
