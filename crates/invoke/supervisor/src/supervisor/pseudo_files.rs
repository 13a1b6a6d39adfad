//! File systems whose files are made up by the kernel when they are read.

use std::{io, os::fd::AsFd};

use rustix::fs::fstatfs;

/// Each by the number that `statfs` gives (`linux/magic.h`). What is in them tells about processes and the kernel, the
/// environment of others among it, and reading can have effects.
const KINDS: [(u64, &str); 27] = [
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0xcafe_4a11, "bpf"),
    (0x1cd1, "devpts"),
    (0x1980_0202, "mqueue"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x4341_5d53, "smackfs"),
    (0x5a3c_69f0, "apparmorfs"),
    (0x6165_676c, "pstore"),
    (0xde5e_81e4, "efivarfs"),
    (0x6265_6570, "configfs"),
    (0x6e73_6673, "nsfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6573_5543, "fusectl"),
    (0x534f_434b, "sockfs"),
    (0x5049_5045, "pipefs"),
    (0x0904_1934, "anonymous files"),
    (0x5049_4446, "pidfs"),
    (0x6759_6969, "rpc_pipefs"),
    (0x6e66_7364, "nfsd"),
    (0x0765_5821, "resctrl"),
    (0xabba_1974, "xenfs"),
];

/// The name of the pseudo file system that an open file is in, if it is in one.
pub(super) fn kind_of(file: impl AsFd) -> io::Result<Option<&'static str>> {
    let found = fstatfs(file)?.f_type;
    // The type of the number differs between systems; all of these have 32 bits.
    let number = found as u64 & 0xffff_ffff;
    let kind = KINDS.iter().find(|(magic, _)| *magic == number);
    Ok(kind.map(|(_, name)| *name))
}
