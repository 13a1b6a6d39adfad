//! A configured database: what lets into it lies in files of the account that its tools share, and no tool in a sandbox
//! reads those.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::site::{CANDIDATE, PRODUCER, Pair, Site, end, signal, until};
use crate::support::Answer;

/// The user's own configuration file.
const OWN: &str = ".config/dotwrap/dotwrap.toml";

/// A site whose database is named in the user's own configuration file, beside a password file in the account's home.
fn site(pair: &Pair) -> Site {
    let site = Site::with(pair);
    site.file(OWN, &naming(&with_password(&site)));
    let passwords = site.file(".pgpass", "*:*:*:*:hunter2\n");
    std::fs::set_permissions(passwords, Permissions::from_mode(0o600)).unwrap();
    site
}

/// The database, with a password that it does not ask for.
fn with_password(site: &Site) -> String {
    let url = site.0.database.url_as(site.0.database.owner());
    url.replacen('@', ":hunter2@", 1)
}

fn naming(url: &str) -> String {
    format!("database_url = \"{url}\"\n")
}

/// Runs the pair with what the files say, and no word of the environment.
fn run(site: &Site, mode: &str, database_url: Option<&str>) -> Answer {
    let mut command = site.0.desk.command(&Site::words(mode, &[]));
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url);
    }
    Answer::of(&mut command)
}

fn found(answer: &Answer) -> String {
    let folder = answer.json()["folder"].as_str().unwrap().to_owned();
    std::fs::read_to_string(Path::new(&folder).join("producer/output")).unwrap()
}

/// None where this machine has no sandbox, which the evidence has to say then.
fn unreadable(site: &Site) -> Option<Value> {
    let sandbox = site.evidence(0)["sandbox"].clone();
    if sandbox["writes"] == "not_enforced" {
        let missing = sandbox["missing"].to_string();
        assert!(missing.contains("landlock"), "{missing}");
        return None;
    }
    Some(sandbox["unreadable"].clone())
}

#[test]
fn a_dry_run_reads_neither_the_password_file_nor_the_file_that_names_the_database() {
    let desk = "../../../..";
    let attempts = [".pgpass", OWN, "pair.toml"]
        .map(|file| format!("cat {desk}/{file} >/dev/null 2>&1 && echo {file}\n"));
    let site = site(&Pair::of_producer(&format!(
        "({}) > '{{output}}'; true",
        attempts.concat()
    )));
    let answer = run(&site, "dry-run", None).expect(0);
    if let Some(unreadable) = unreadable(&site) {
        assert_eq!(found(&answer), "pair.toml\n");
        let folder = site.path("").canonicalize().unwrap();
        let expected = [OWN, ".pgpass"].map(|file| folder.join(file));
        assert_eq!(unreadable, json!(expected));
    }
    let answer = run(&site, "real-run", None).expect(0);
    assert_eq!(
        found(&answer),
        ".pgpass\n.config/dotwrap/dotwrap.toml\npair.toml\n"
    );
    site.holds();
}

#[test]
fn files_that_are_not_in_use_and_paths_that_are_relative_are_kept_from_it_too() {
    let attempts = ["dotwrap.toml", "named.toml", "passwords", OWN]
        .map(|file| format!("cat ../../../../{file} >/dev/null 2>&1 && echo {file}\n"));
    let site = site(&Pair::of_producer(&format!(
        "({}) > '{{output}}'; true",
        attempts.concat()
    )));
    let with = naming(&with_password(&site));
    site.file("dotwrap.toml", &with);
    site.file("named.toml", &with);
    site.file("passwords", "");
    let words = Site::words("dry-run", &["--config", "named.toml"]);
    let mut command = site.0.desk.command(&words);
    let answer = Answer::of(command.env("PGPASSFILE", "passwords")).expect(0);
    // A project's file may not name a database: calls that do not name it would be refused.
    std::fs::remove_file(site.path("dotwrap.toml")).unwrap();
    if unreadable(&site).is_some() {
        assert_eq!(found(&answer), "");
    }
    // What holds no password is a file as any other: a tool may be there to keep it.
    let without = naming(&site.0.database.url_as(site.0.database.owner()));
    for file in ["dotwrap.toml", "named.toml", OWN] {
        site.file(file, &without);
    }
    let answer = Answer::of(&mut site.0.desk.command(&words)).expect(0);
    let expected = "dotwrap.toml\nnamed.toml\npasswords\n.config/dotwrap/dotwrap.toml\n";
    assert_eq!(found(&answer), expected);
}

/// What is kept from tools is looked up at each call: a worker may live for long.
#[test]
fn a_worker_keeps_from_its_tools_what_was_not_there_when_it_began() {
    let site = Site::with(&Pair::of_producer(
        "(cat ../../../../later > '{output}' 2>&1; true)",
    ));
    let request = ["requests", "add", PRODUCER, "--mode", "dry-run"];
    let request = [&request[..], &["--candidate", CANDIDATE]].concat();
    let mut worker = site.0.command(&["worker", "--runs-folder", "runs"]);
    worker.env("PGPASSFILE", site.path("later"));
    let mut worker = worker.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("waits for requests")));
    site.file("later", "secret");
    site.0.call(&request).expect(0);
    until(|| {
        let runs = site.runs();
        let concluded = runs.first()?["concluded_at"].as_str()?;
        Some(concluded.to_owned())
    });
    signal(&worker, Signal::SIGUSR1);
    end(worker);
    if let Some(unreadable) = unreadable(&site) {
        let later = site.path("later").canonicalize().unwrap();
        assert_eq!(unreadable, json!([later]));
    }
}

#[test]
fn a_dry_run_reads_the_database_out_of_no_other_process() {
    let site = site(&Pair::of_producer(
        "(grep -zsl '^DATABASE_URL=' /proc/[0-9]*/environ | wc -l) > '{output}'",
    ));
    let url = site.0.database.url_as(site.0.database.owner());
    let answer = run(&site, "dry-run", Some(&url)).expect(0);
    if unreadable(&site).is_some() {
        assert_eq!(found(&answer), "0\n");
    }
    // Others of the account are kept out by `dotwrap` itself, which cannot be dumped; who may trace everybody is not.
    if may_trace_everybody() {
        let answer = run(&site, "real-run", Some(&url)).expect(0);
        assert_ne!(found(&answer), "0\n");
    }
}

/// As root may, unless it is a container's.
fn may_trace_everybody() -> bool {
    const CAP_SYS_PTRACE: u32 = 19;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:\t"));
    u64::from_str_radix(effective.unwrap(), 16).unwrap() & (1 << CAP_SYS_PTRACE) != 0
}

#[test]
fn a_contract_that_opens_the_folder_of_a_secret_is_told_of() {
    let site = site(&Pair::of_producer("echo something > '{output}'"));
    let open = format!(
        "paths = {{ write = [\"{}\"] }}",
        site.path("").to_str().unwrap()
    );
    let pair = Pair {
        invocation: open,
        ..Pair::of_producer("cat ../../../../.pgpass > '{output}'")
    };
    site.file("pair.toml", &pair.catalogue());
    site.0.call(&["tools", "import", "pair.toml"]).expect(0);
    let answer = run(&site, "dry-run", None).expect(0);
    if unreadable(&site).is_some() {
        assert_eq!(found(&answer), "*:*:*:*:hunter2\n");
        let missing = site.evidence(0)["sandbox"]["missing"].to_string();
        assert!(missing.contains(".pgpass: the contract opens"), "{missing}");
    }
}
