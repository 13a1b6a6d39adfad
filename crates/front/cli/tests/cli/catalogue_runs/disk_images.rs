//! The pair of `catalogue/disk_images.toml`.

use std::fs;

use super::pair_run::{Flip, Flips, Pair, assert_runs_and_detects_change, text_of};

#[test]
fn qemu_img() {
    assert_runs_and_detects_change("qemu-img", |site| {
        let image = site.0.desk.folder().join("disk.raw");
        let sectors: Vec<u8> = (0..1u32 << 18).flat_map(u32::to_le_bytes).collect();
        fs::write(&image, sectors).unwrap();
        Pair {
            producer: "DOT_QEMU_IMG_CONVERT",
            input: text_of(&image),
            // After the image's own tables.
            flips: Flips::both(Flip::Percent(75)),
        }
    });
}
