//! Takes a ledger out of the cluster as a file, and puts such a file into another database.
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;

use crate::client_program::{ClientProgram, command, run};
use crate::error::{AtPath, Error};
use crate::{Cluster, DATABASE, SUPERUSER, socket};

/// How a dump is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpFormat {
    /// PostgreSQL's archive, compressed: for `pg_restore`.
    Archive,
    /// SQL as text: for `psql`.
    Sql,
}

impl Cluster {
    /// Writes one schema with everything in it to a new file that only its owner can read, and returns its size in
    /// bytes. The file appears when it is complete. Blocks the thread.
    ///
    /// # Errors
    /// [`Error::DumpNotWritten`] where the file exists or cannot be written, [`Error::NoClientProgram`], and
    /// [`Error::Program`] with what `pg_dump` said.
    pub fn dump(&self, schema: &str, format: DumpFormat, path: &Path) -> Result<u64, Error> {
        let not_written = |source: io::Error| Error::DumpNotWritten {
            path: path.to_owned(),
            source,
        };
        let path = std::path::absolute(path).map_err(not_written)?;
        if path.symlink_metadata().is_ok() {
            let exists = io::Error::new(io::ErrorKind::AlreadyExists, "it exists");
            return Err(not_written(exists));
        }
        let program = ClientProgram::Dump.find(&self.binaries)?;
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = tempfile::Builder::new()
            .prefix(".dump-")
            .tempfile_in(folder)
            .map_err(not_written)?;
        let output = file.as_file().try_clone().map_err(not_written)?;
        let mut dump = command(&program);
        dump.arg(match format {
            DumpFormat::Archive => "--format=custom",
            DumpFormat::Sql => "--format=plain",
        })
        // A pattern: in quotes it means this name alone.
        .arg(format!("--schema=\"{}\"", schema.replace('"', "\"\"")))
        .args([
            "--no-password",
            "--username",
            SUPERUSER,
            "--dbname",
            DATABASE,
        ])
        .arg("--host")
        .arg(&self.socket)
        .args(["--port", &socket::PORT.to_string()])
        .env("PGPASSFILE", self.password_file())
        .stdout(Stdio::from(output));
        run("pg_dump", &mut dump)?;
        file.as_file().sync_all().map_err(not_written)?;
        let found = file.as_file().metadata().map_err(not_written)?;
        file.persist_noclobber(&path)
            .map_err(|error| not_written(error.error))?;
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(not_written)?;
        Ok(found.len())
    }

    /// Puts an archive of [`Cluster::dump`] into another database, in one transaction. The schema itself has to be
    /// there. `parameters` are libpq's environment variables of that database. Blocks the thread.
    ///
    /// # Errors
    /// [`Error::NoClientProgram`], and [`Error::Program`] with what `pg_restore` said; nothing was restored then.
    pub fn restore_elsewhere(
        &self,
        archive: &Path,
        database: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<(), Error> {
        let program = ClientProgram::Restore.find(&self.binaries)?;
        let listing = run(
            "pg_restore",
            command(&program)
                .arg("--list")
                .arg(archive)
                .stdout(Stdio::piped()),
        )?;
        let folder = self.folder();
        let list = tempfile::NamedTempFile::new_in(folder).at("create a file in", folder)?;
        std::fs::write(
            list.path(),
            without_schema(&String::from_utf8_lossy(&listing)),
        )
        .at("write", list.path())?;
        let mut restore = command(&program);
        restore
            .args(["--exit-on-error", "--single-transaction", "--no-password"])
            .arg("--use-list")
            .arg(list.path())
            .arg("--dbname")
            .arg(as_conninfo(database))
            .arg(archive)
            .envs(parameters.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null());
        run("pg_restore", &mut restore).map(drop)
    }
}

/// The name of a database as libpq takes it, whatever it contains.
fn as_conninfo(database: &str) -> String {
    let escaped = database.replace('\\', "\\\\").replace('\'', "\\'");
    format!("dbname='{escaped}'")
}

/// The listing of an archive without the schema's own entry: `6; 2615 16392 SCHEMA - dot dot_owner`.
fn without_schema(listing: &str) -> String {
    let is_schema = |line: &&str| {
        let mut words = line.split_whitespace();
        !line.starts_with(';') && words.nth(3) == Some("SCHEMA")
    };
    let kept: Vec<&str> = listing.lines().filter(|line| !is_schema(line)).collect();
    kept.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_schema_itself_is_left_out_of_a_listing() {
        let listing = ";\n; Archive created\n6; 2615 16392 SCHEMA - dot dot_owner\n\
                       4444; 0 0 ACL - SCHEMA dot dot_owner\n300; 1259 17 TABLE dot SCHEMA dot_owner\n";
        let kept = without_schema(listing);
        assert!(!kept.contains("SCHEMA - dot"), "{kept}");
        assert!(kept.contains("ACL - SCHEMA dot") && kept.contains("TABLE dot SCHEMA"));
    }
}
