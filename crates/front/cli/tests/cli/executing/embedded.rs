//! On the embedded default a tool shares the account that may do anything with the ledger. In a sandbox it does not get
//! there.

use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::site::{CANDIDATE, PRODUCER, Pair, signal};
use crate::home::Home;

/// Every way in that a tool could try, a line of output for each that led there.
fn burglar(home: &Home) -> Pair {
    let folder = home.folder().join("embedded");
    let folder = folder.display();
    let dotwrap = format!("{} gates ls", env!("CARGO_BIN_EXE_dotwrap"));
    let as_account = |account: &str, more: &str| {
        let url = format!("postgresql://{account}@/dotwrap?host={folder}/socket&port=5432{more}");
        format!("DATABASE_URL='{url}' {dotwrap}")
    };
    let attempts = [
        ("file", format!("cat {folder}/passwords")),
        ("superuser", as_account("postgres", "")),
        ("owner", as_account("dotwrap", "")),
        (
            "passfile",
            as_account("postgres", &format!("&passfile={folder}/passwords")),
        ),
        ("rows", format!("cat {folder}/data/PG_VERSION")),
        ("lock", format!("flock -n -x {folder}/turn.lock true")),
        (
            "mode",
            format!("chmod 644 {folder}/passwords && chmod 600 {folder}/passwords"),
        ),
        (
            "socket",
            format!(
                "chmod 777 {folder}/socket/.s.PGSQL.5432 && chmod 700 {folder}/socket/.s.PGSQL.5432"
            ),
        ),
        ("listing", format!("ls {folder}/socket/.s.PGSQL.5432")),
        (
            "dotwrap",
            format!("DOTWRAP_HOME={} {dotwrap}", home.folder().display()),
        ),
    ];
    let attempts = attempts.map(|(name, attempt)| {
        format!("if {attempt} >/dev/null 2>>../tmp/why; then echo {name}; fi\n")
    });
    Pair::of_producer(&format!("({}) > '{{output}}'", attempts.concat()))
}

/// What led in, what the other attempts printed, and what is said of the sandbox.
fn broken_in(home: &Home, mode: &str) -> (String, String, Value) {
    let words = [
        "run",
        PRODUCER,
        "--mode",
        mode,
        "--candidate",
        CANDIDATE,
        "--output",
        "json",
    ];
    let run = home.call(&words).expect(0).json();
    let folder = std::path::Path::new(run["folder"].as_str().unwrap()).join("producer");
    let found = std::fs::read_to_string(folder.join("output")).unwrap();
    let why = std::fs::read_to_string(folder.join("tmp/why")).unwrap_or_default();
    let shown = home
        .call(&["runs", "show", "last", "--output", "json"])
        .expect(0)
        .json();
    let parts = shown["components"].as_array().unwrap();
    let producer = parts
        .iter()
        .find(|part| part["component_role"] == "producer")
        .unwrap();
    (found, why, producer["evidence_ref"]["sandbox"].clone())
}

#[test]
fn a_dry_run_does_not_get_into_the_ledger_and_a_real_run_could() {
    let home = Home::new();
    home.desk.file("pair.toml", &burglar(&home).catalogue());
    home.call(&["tools", "import", "pair.toml"]).expect(0);
    home.call(&["candidates", "set", CANDIDATE, "--title", "A test"])
        .expect(0);
    for gate in super::site::ALL_GATES {
        home.call(&["gates", "open", gate, "--for", "10m", "--reason", "a test"])
            .expect(0);
    }
    let (found, _, sandbox) = broken_in(&home, "dry-run");
    if sandbox["writes"] == "not_enforced" {
        let missing = sandbox["missing"].to_string();
        assert!(missing.contains("landlock"), "{missing}");
    } else {
        assert_eq!(found, "", "{sandbox}");
        let folder = home.folder().join("embedded").canonicalize().unwrap();
        assert_eq!(sandbox["unreadable"], json!([folder]));
        let shows = |claim| {
            let shown = home.call(&["runs", "show", "last"]).expect(0).output;
            shown.contains(claim)
        };
        assert!(shows("the ledger's secrets unreadable"));
        // The keeper replaces a password file that has another name: the run has to be there first.
        let link = home.desk.folder().join("link");
        assert!(
            (0..10).any(|_| {
                std::fs::hard_link(folder.join("passwords"), &link).unwrap();
                broken_in(&home, "dry-run");
                std::fs::remove_file(&link).unwrap();
                shows("the ledger's secrets readable")
            }),
            "a hard link to the password file is not noticed"
        );
    }
    // The attempts are real ones.
    let (found, why, sandbox) = broken_in(&home, "real-run");
    assert_eq!(
        found, "file\npassfile\nrows\nlock\nmode\nsocket\nlisting\ndotwrap\n",
        "{why}"
    );
    assert_eq!(sandbox["writes"], "not_restricted");
}

/// The server's socket lies elsewhere then.
#[test]
fn a_socket_beside_a_long_home_is_kept_from_tools_too() {
    let home = Home::with_long_path();
    home.call(&["install"]).expect(0);
    let cluster = dotwrap_embedded::Embedded::in_folder(home.folder().join("embedded"));
    let cluster = crate::support::wait(cluster.start()).unwrap();
    let socket = cluster.socket_folder().join(".s.PGSQL.5432");
    assert!(!socket.starts_with(home.folder()));
    let looks = format!(
        "if ls {} >/dev/null; then echo found; fi > '{{output}}'",
        socket.display()
    );
    home.desk
        .file("pair.toml", &Pair::of_producer(&looks).catalogue());
    home.call(&["tools", "import", "pair.toml"]).expect(0);
    home.call(&["candidates", "set", CANDIDATE, "--title", "A test"])
        .expect(0);
    for gate in super::site::ALL_GATES {
        home.call(&["gates", "open", gate, "--for", "10m", "--reason", "a test"])
            .expect(0);
    }
    let (found, _, sandbox) = broken_in(&home, "dry-run");
    assert_eq!(found, "", "{sandbox}");
    assert_eq!(broken_in(&home, "real-run").0, "found\n");
}

/// The passwords are in its memory.
#[test]
fn a_program_that_is_made_to_crash_leaves_no_core_dump() {
    let crashed = |home: &Home, command: &str| {
        let limit = format!("ulimit -c unlimited; {command}");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &limit]).current_dir(home.desk.folder());
        shell.env("DOTWRAP_HOME", home.folder());
        let mut child = shell.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("waits for requests")));
        signal(&child, Signal::SIGABRT);
        child.wait().unwrap()
    };
    let home = Home::new();
    let any = crashed(&home, "echo waits for requests >&2; exec sleep 60");
    assert_eq!(any.signal(), Some(6));
    let worker = crashed(
        &home,
        &format!("exec {} worker", env!("CARGO_BIN_EXE_dotwrap")),
    );
    assert_eq!(worker.signal(), Some(6));
    // Where this machine writes any at all, the other one shows that it would have.
    assert!(
        !worker.core_dumped(),
        "sleep left a dump: {}",
        any.core_dumped()
    );
}

/// What doctor finds of the embedded database's files.
fn embedded_files(home: &Home) -> Option<serde_json::Value> {
    let report = home.call(&["doctor", "--output", "json"]).expect(0).json();
    let findings = report["findings"].as_array().unwrap().clone();
    findings
        .into_iter()
        .find(|finding| finding["name"] == "embedded_files")
}

#[cfg(target_os = "linux")]
#[test]
fn doctor_says_which_access_control_lists_were_removed() {
    let home = Home::new();
    home.call(&["gates"]).expect(0);
    let folder = home.folder().join("embedded");
    let before = std::fs::read_to_string(folder.join("passwords")).unwrap();
    // Others may enter what is created in the folder: the group, and the account 65534.
    let mut list = vec![2, 0, 0, 0];
    for (tag, permissions, id) in [
        (0x01_u16, 7_u16, u32::MAX),
        (0x02, 7, 65_534),
        (0x04, 5, u32::MAX),
        (0x10, 7, u32::MAX),
        (0x20, 0, u32::MAX),
    ] {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    match rustix::fs::setxattr(&folder, "system.posix_acl_default", &list, flags) {
        Err(rustix::io::Errno::OPNOTSUPP) => {
            eprintln!("NOT TESTED: this file system has no access control lists");
            return;
        }
        set => set.unwrap(),
    }
    let found = super::site::until(|| {
        let now = std::fs::read_to_string(folder.join("passwords")).unwrap();
        (now != before).then(|| embedded_files(&home)).flatten()
    });
    assert_eq!(found["severity"], "warning", "{found}");
    for (field, part) in [
        ("what", "access control list removed"),
        ("what", "new passwords are set"),
        ("why", "access control lists"),
        ("mend", "mended.log"),
    ] {
        assert!(found[field].as_str().unwrap().contains(part), "{found}");
    }
}

/// A tool may do that, also in a dry run where the kernel does not hold it back.
#[test]
fn doctor_says_which_modes_were_mended() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new();
    home.call(&["gates"]).expect(0);
    assert_eq!(embedded_files(&home), None);
    let passwords = home.folder().join("embedded/passwords");
    let before = std::fs::read_to_string(&passwords).unwrap();
    std::fs::set_permissions(&passwords, PermissionsExt::from_mode(0o644)).unwrap();
    let found = super::site::until(|| {
        let replaced = std::fs::read_to_string(&passwords).unwrap() != before;
        replaced.then(|| embedded_files(&home)).flatten()
    });
    assert_eq!(found["severity"], "warning", "{found}");
    let what = found["what"].as_str().unwrap();
    assert!(what.contains("others could read it (mode 644)"), "{what}");
    assert!(
        found["mend"].as_str().unwrap().contains("mended.log"),
        "{found}"
    );
}
