//! Pairs of `catalogue/integrity.toml`.

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change, text_of, tool};

#[test]
fn sha256sum() {
    assert_runs_and_detects_change("sha256sum", |site| Pair {
        producer: "DOT_SHA256SUM",
        input: site.numbers(),
        flips: Flips::both(Flip::At(0)),
    });
}

#[test]
fn openssl() {
    assert_runs_and_detects_change("openssl", |site| {
        let path = |name: &str| text_of(&site.0.desk.folder().join(name));
        let (private, public) = (path("key.pem"), path("key.pub.pem"));
        tool(
            "openssl",
            &["genpkey", "-quiet", "-algorithm", "RSA", "-out", &private],
        );
        tool(
            "openssl",
            &["pkey", "-in", &private, "-pubout", "-out", &public],
        );
        // The catalogue's entries are drafts: they need the keys' paths and the status `active`.
        let family = include_str!("../../../../../../catalogue/integrity.toml")
            .replace("/etc/dotwrap/signing-key.pub.pem", &public)
            .replace("/etc/dotwrap/signing-key.pem", &private)
            .replace("\"draft\"", "\"active\"");
        let family = site.file("integrity.toml", &family);
        site.0.call(&["tools", "import", &family]).expect(0);
        Pair {
            producer: "DOT_OPENSSL_SIGN",
            input: site.numbers(),
            flips: Flips::both(Flip::Percent(50)),
        }
    });
}
