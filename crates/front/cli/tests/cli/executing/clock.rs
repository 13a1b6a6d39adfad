//! Machines whose clock is wrong.

use std::path::PathBuf;
use std::process::Command;

use super::site::{Pair, Site};
use crate::support::Answer;

/// Sets the clock of every program that is started with it.
const CLOCK: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, time);
    if (result == 0 && clock == CLOCK_REALTIME) time->tv_sec += atol(getenv("CLOCK_OFFSET"));
    return result;
}
"#;

fn library(site: &Site) -> PathBuf {
    let source = site.file("clock.c", CLOCK);
    let library = site.path("clock.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([library.to_str().unwrap(), &source, "-ldl"])
        .output()
        .expect("cc, which Rust links with");
    assert!(built.status.success(), "{built:?}");
    library
}

#[test]
fn run_on_a_machine_whose_clock_is_days_off_is_recorded_by_the_databases_clock() {
    let site = Site::with(&Pair::of_producer("echo made > '{output}'"));
    let library = library(&site);
    for offset in [2 * 86_400 + 7, -2 * 86_400] {
        let mut command = site.0.command(&Site::words("real-run", &[]));
        command
            .env("LD_PRELOAD", &library)
            .env("CLOCK_OFFSET", offset.to_string());
        let run = Answer::of(&mut command).expect(0).json();
        assert_eq!(run["verdict"], "pass");
        let recorded = site.evidence(0)["clock_offset_ms"].as_i64().unwrap();
        assert!((recorded + offset * 1000).abs() < 60_000, "{recorded}");
        let shown = site.0.call(&["runs", "show", "last"]).expect(0).output;
        assert!(shown.contains("by which these times are told"), "{shown}");
    }
    site.holds();
    let warned = site.0.call(&["verify", "--output", "json"]).expect(0);
    assert!(
        !warned.output.contains("the call is said to have lasted"),
        "{}",
        warned.output
    );
}
