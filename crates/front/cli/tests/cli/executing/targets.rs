//! What excludes what: leases by target, and waiting for them.

use std::io::{BufRead, BufReader};

use super::site::{CANDIDATE, PRODUCER, Pair, Site, end};

/// A site whose producer has this lease scope.
fn scoped(pair: &Pair, scope: &str) -> Site {
    let site = Site::with(pair);
    let text = pair.catalogue().replacen(
        "trigger_type",
        &format!("lease_scope = \"{scope}\"\ntrigger_type"),
        1,
    );
    site.file("pair.toml", &text);
    site.0.call(&["tools", "import", "pair.toml"]).expect(0);
    site
}

fn request(site: &Site, input: &str) {
    let words = [
        "requests",
        "add",
        PRODUCER,
        "--candidate",
        CANDIDATE,
        "--mode",
        "real-run",
        "--input",
        input,
    ];
    site.0.call(&words).expect(0);
}

fn passed(site: &Site) -> usize {
    let requests = site.0.json(&["requests", "ls", "--limit", "100"]);
    let requests = requests.as_array().unwrap().iter();
    requests
        .filter(|request| request["run_verdict"] == "pass")
        .count()
}

/// Each of the first eight waits for all of them: one after the other they would never end.
#[test]
fn forty_inputs_of_one_pair_are_run_side_by_side() {
    let pair = Pair {
        producer: "touch '{input}.begun'; \
             while test $(ls \"$(dirname '{input}')\" | grep -c begun) -lt 8; do sleep 0.02; done; \
             cat -- '{input}' > '{output}'"
            .to_owned(),
        ..Pair::default()
    };
    let site = scoped(&pair, "input");
    for number in 0..40 {
        let input = site.file(&format!("inputs/{number}"), "a\n");
        request(&site, &input);
    }
    let words = ["worker", "--once", "--jobs", "8", "--runs-folder", "runs"];
    site.0.call(&words).expect(0);
    assert_eq!(passed(&site), 40);
    let leases = site.0.json(&["lease", "ls"]);
    let narrow = leases.as_array().unwrap().iter();
    let narrow = narrow.filter(|lease| lease["lease_name"].as_str().unwrap().contains(":input:"));
    assert_eq!(narrow.count(), 0, "{leases:#}");
    site.holds();
}

/// Two at once would meet at the folder.
#[test]
fn one_input_of_one_pair_is_run_once_at_a_time() {
    let pair = Pair {
        producer: "mkdir '{input}.lock' || exit 1; sleep 0.1; cat -- '{input}' > '{output}'; rmdir '{input}.lock'"
            .to_owned(),
        ..Pair::default()
    };
    let site = scoped(&pair, "input");
    let input = site.file("in", "a\n");
    for _ in 0..6 {
        request(&site, &input);
    }
    let words = ["worker", "--once", "--jobs", "4", "--runs-folder", "runs"];
    site.0.call(&words).expect(0);
    assert_eq!(passed(&site), 6);
}

#[test]
fn run_waits_for_a_busy_lease_and_says_who_holds_it() {
    let site = Site::with(&Pair::of_producer(
        "echo $$ > '{input}.new'; mv '{input}.new' '{input}'; \
         while ! test -e '{input}.go'; do sleep 0.02; done; echo > '{output}'",
    ));
    let input = site.path("process").to_str().unwrap().to_owned();
    let holder = site.start(&Site::words("real-run", &["--input", &input]));
    site.process_in("process");
    let over = ["--input", &input, "--wait", "1s", "-q"];
    let over = site.run("real-run", &over).expect(4).failure();
    assert_eq!(over["code"], "lease_held");
    let waiting = ["--input", &input, "--wait", "10m"];
    let mut waiting = site.start(&Site::words("real-run", &waiting));
    let mut said = BufReader::new(waiting.stderr.take().unwrap()).lines();
    let line = said
        .find(|line| line.as_ref().unwrap().contains("waiting for the lease"))
        .unwrap()
        .unwrap();
    assert!(line.contains("dot_exec:DOT_MAKE, which "), "{line}");
    site.file("process.go", "");
    end(holder).expect(0);
    end(waiting).expect(0);
    assert_eq!(site.runs().len(), 2);
    // A caller that waits is refused once, when its time is over.
    let refusals = site.0.json(&["refusals", "ls"]);
    assert_eq!(refusals.as_array().unwrap().len(), 1, "{refusals:#}");
}
