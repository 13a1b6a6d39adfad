//! Digests of outputs, and which changes are noticed.

use super::*;

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn change(output: &Output) -> Option<Change> {
    output.change(&ReadLimit::none()).unwrap()
}

/// Until the file system's clock has ticked: two changes within one tick have one time.
fn wait_for_tick(folder: &Path) {
    let time = || {
        let probe = tempfile::NamedTempFile::new_in(folder).unwrap();
        let of = probe.as_file().metadata().unwrap();
        (of.ctime(), of.ctime_nsec())
    };
    let before = time();
    while time() == before {}
}

#[test]
fn output_swapped_and_put_back_is_noticed() {
    for name in ["a", "folder"] {
        let below = folder_with(&[("a", "abc"), ("folder/b", "1")]);
        let [path, aside, other] = [name, "aside", "other"].map(|name| below.path().join(name));
        let output = Output::of(&path).unwrap();
        wait_for_tick(below.path());
        assert_eq!(change(&output), None);
        fs::rename(&path, &aside).unwrap();
        fs::write(&path, "another").unwrap();
        fs::rename(&path, &other).unwrap();
        fs::rename(&aside, &path).unwrap();
        assert_eq!(Output::of(&path).unwrap().digest, output.digest);
        assert_eq!(change(&output), Some(Change::Identity), "{name}");
    }
}

#[test]
fn link_or_other_folder_in_the_place_of_the_outputs_is_noticed() {
    let below = folder_with(&[("producer/output", "abc")]);
    let [producer, aside] = ["producer", "aside"].map(|name| below.path().join(name));
    let path = producer.join("output");
    let output = Output::of(&path).unwrap();
    fs::rename(&producer, &aside).unwrap();
    fs::create_dir(&producer).unwrap();
    // The same file, in another folder.
    fs::rename(aside.join("output"), &path).unwrap();
    assert_eq!(change(&output), Some(Change::Identity));
    fs::rename(&path, aside.join("output")).unwrap();
    fs::remove_dir(&producer).unwrap();
    std::os::unix::fs::symlink(&aside, &producer).unwrap();
    let error = Output::of(&path).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
    assert!(output.change(&ReadLimit::none()).is_err());
}

#[test]
fn replaced_rewritten_and_linked_files_are_noticed() {
    let copy = |path: &Path| {
        let other = path.with_extension("new");
        fs::copy(path, &other).unwrap();
        fs::rename(other, path).unwrap();
    };
    let rewrite = |path: &Path| fs::write(path, "abc").unwrap();
    let link = |path: &Path| fs::hard_link(path, path.with_extension("link")).unwrap();
    let longer = |path: &Path| fs::write(path, "abcd").unwrap();
    for (touch, found) in [
        (&copy as &dyn Fn(&Path), Change::Identity),
        (&rewrite, Change::Identity),
        (&link, Change::Identity),
        (&longer, Change::Size),
    ] {
        let below = folder_with(&[("a", "abc")]);
        let path = below.path().join("a");
        let output = Output::of(&path).unwrap();
        wait_for_tick(below.path());
        touch(&path);
        assert_eq!(change(&output), Some(found));
    }
}

#[test]
fn reading_is_no_change() {
    let below = folder_with(&[("a/b", "abc")]);
    let output = Output::of(below.path()).unwrap();
    wait_for_tick(tempfile::tempdir().unwrap().path());
    fs::read(below.path().join("a/b")).unwrap();
    assert_eq!(fs::read_dir(below.path()).unwrap().count(), 1);
    assert_eq!(change(&output), None);
}

#[test]
fn holes_take_no_space() {
    let below = folder_with(&[("a", "abc")]);
    let file = File::create(below.path().join("sparse")).unwrap();
    file.set_len(1 << 40).unwrap();
    let limit = ReadLimit::none();
    assert_eq!(
        Output::size_at(below.path(), &limit).unwrap(),
        (1 << 40) + 3
    );
    assert!(Output::disk_usage(below.path(), &limit).unwrap() < 1 << 20);
}

#[test]
fn a_file_s_digest_is_that_of_its_bytes() {
    let folder = folder_with(&[("a", "abc")]);
    let output = Output::of(&folder.path().join("a")).unwrap();
    assert_eq!((output.digest, output.size), (Digest::of("abc"), 3));
}

#[test]
fn folders_with_the_same_content_have_the_same_digest() {
    let files = [("a", "1"), ("b/c", "2")];
    let one = Output::of(folder_with(&files).path()).unwrap().digest;
    assert_eq!(Output::of(folder_with(&files).path()).unwrap().digest, one);
    for other in [
        &[("a", "1"), ("b/c", "3")][..],
        &[("a", "1"), ("b/d", "2")],
        &[("a", "1")],
        &[("a", "1"), ("b/c", "2"), ("d", "")],
    ] {
        assert_ne!(
            Output::of(folder_with(other).path()).unwrap().digest,
            one,
            "{other:?}"
        );
    }
}

#[test]
fn a_flipped_byte_is_noticed() {
    let folder = folder_with(&[("a/b", "abc")]);
    let output = Output::of(folder.path()).unwrap();
    wait_for_tick(tempfile::tempdir().unwrap().path());
    assert_eq!(change(&output), None);
    fs::write(folder.path().join("a/b"), "abd").unwrap();
    assert_ne!(change(&output), None);
}

#[test]
fn a_link_counts_by_its_text_and_what_it_points_to_does_not() {
    let outside = folder_with(&[("a", "abc"), ("b/c", "1")]);
    let folder = folder_with(&[("x", "1")]);
    for name in ["a", "b"] {
        let link = folder.path().join(name);
        std::os::unix::fs::symlink(outside.path().join(name), link).unwrap();
    }
    let output = Output::of(folder.path()).unwrap();
    assert_eq!(output.size, 1);
    wait_for_tick(outside.path());
    fs::write(outside.path().join("a"), "abd").unwrap();
    fs::write(outside.path().join("b/c"), "2").unwrap();
    assert_eq!(change(&output), None);
    fs::remove_file(folder.path().join("a")).unwrap();
    std::os::unix::fs::symlink("elsewhere", folder.path().join("a")).unwrap();
    assert_ne!(change(&output), None);
}

#[test]
fn a_link_in_the_output_s_place_is_not_followed() {
    let folder = folder_with(&[("a", "abc")]);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("a"), &link).unwrap();
    assert_eq!(
        Output::of(&link).unwrap_err().kind(),
        io::ErrorKind::Unsupported
    );
}

#[test]
fn sockets_fifos_and_devices_count_by_kind_and_name() {
    use std::os::unix::net::UnixListener;

    use nix::{sys::stat::Mode, unistd::mkfifo};

    let digest_with = |make: &dyn Fn(&Path)| {
        let folder = folder_with(&[("a", "abc")]);
        make(folder.path());
        Output::of(folder.path()).unwrap()
    };
    let fifo = |name: &'static str| {
        move |folder: &Path| mkfifo(&folder.join(name), Mode::S_IRWXU).unwrap()
    };
    let socket = |folder: &Path| drop(UnixListener::bind(folder.join("x")).unwrap());
    let found = [
        digest_with(&fifo("x")),
        digest_with(&fifo("y")),
        digest_with(&socket),
    ];
    assert!(
        found
            .iter()
            .all(|output| (output.special, output.size) == (1, 3))
    );
    assert_ne!(found[0].digest, found[1].digest);
    assert_ne!(found[0].digest, found[2].digest);
    assert_eq!(found[0].digest, digest_with(&fifo("x")).digest);
    let fifo_alone = tempfile::tempdir().unwrap();
    let path = fifo_alone.path().join("x");
    fifo("x")(fifo_alone.path());
    assert_eq!(
        Output::of(&path).unwrap_err().kind(),
        io::ErrorKind::Unsupported
    );
}

#[test]
fn errors_name_the_entry() {
    let error = at_entry(Path::new("/x/a\nb"), io::ErrorKind::PermissionDenied.into());
    assert_eq!(error.to_string(), "/x/a\\nb: permission denied");
    let long = at_entry(Path::new(&"x".repeat(1000)), io::ErrorKind::NotFound.into());
    assert!(long.to_string().len() < 300);
    assert_eq!(
        at_entry(Path::new("x"), error).to_string(),
        "/x/a\\nb: permission denied"
    );
    let missing = Output::of(Path::new("/nowhere/x")).unwrap_err();
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
}
