//! Open files that a process was born with.

use std::fs;

/// Closes everything but standard input, output and error, and `keep`.
///
/// Rust opens everything so that it closes on exec; what the program that started dotwrap left open does not, and a
/// tool could read from it or keep a lock on it. Call it before anything is opened.
pub(super) fn close_inherited(keep: &[i32]) {
    for folder in ["/proc/self/fd", "/dev/fd"] {
        let Ok(entries) = fs::read_dir(folder) else {
            continue;
        };
        // Listed first: the listing has a descriptor of its own, which is gone by then.
        let open: Vec<i32> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|number| *number > 2 && !keep.contains(number))
            .collect();
        for number in open {
            let _gone_already = nix::unistd::close(number);
        }
        return;
    }
}
