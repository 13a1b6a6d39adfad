//! Access control lists (ACLs). They admit accounts beside the owner and the group of a file, and a default list of a
//! folder is inherited by what is created in it.
//!
//! Linux keeps them as extended attributes: a version, then entries of a tag, permissions, and an account or group.
use std::io;

use crate::entry::Entry;

/// The list for the file itself, and the one that new files in the folder inherit.
#[cfg(target_os = "linux")]
const NAMES: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];

/// The length of the version and of an entry.
const HEADER: usize = 4;
const ENTRY: usize = 8;

/// The tags of entries.
const NAMED_USER: u16 = 0x02;
const OWNING_GROUP: u16 = 0x04;
const NAMED_GROUP: u16 = 0x08;
const OTHER: u16 = 0x20;

/// The access control lists of a file or folder.
#[derive(Debug, Default)]
pub(crate) struct AccessLists {
    access: Option<Vec<u8>>,
    inherited: Option<Vec<u8>>,
}

impl AccessLists {
    /// Reads them. None on a file system without such lists.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(entry: &Entry) -> Self {
        use rustix::io::Errno;

        let [access, inherited] = NAMES.map(|name| {
            let mut value = [0; 4096];
            match rustix::fs::getxattr(entry.handle(), name, &mut value) {
                Ok(length) => Some(value[..length].to_vec()),
                // A longer one is not read, and taken for one that admits others.
                Err(Errno::RANGE) => Some(Vec::new()),
                Err(_) => None,
            }
        });
        Self { access, inherited }
    }

    /// This system keeps them elsewhere.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &Entry) -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.access.is_none() && self.inherited.is_none()
    }

    /// Whether another account gets a permission by them. True for a list that cannot be read.
    pub(crate) fn admit_others(&self) -> bool {
        let admits = |list: &Option<Vec<u8>>, tags: &[u16]| {
            list.as_ref().is_some_and(|list| {
                entries(list).is_none_or(|mut entries| {
                    entries.any(|(tag, permissions)| tags.contains(&tag) && permissions != 0)
                })
            })
        };
        // The mode says what group and others may do with the file itself.
        admits(&self.access, &[NAMED_USER, NAMED_GROUP])
            || admits(
                &self.inherited,
                &[NAMED_USER, NAMED_GROUP, OWNING_GROUP, OTHER],
            )
    }

    /// The mode without the lists: beside a list, the mode's bits of the group are the limit of all its entries.
    pub(crate) fn mode_without(&self, mode: u32) -> u32 {
        let Some(list) = &self.access else {
            return mode;
        };
        let group = entries(list).and_then(|mut entries| entries.find(|it| it.0 == OWNING_GROUP));
        let permissions = group.map_or(0, |(_, permissions)| u32::from(permissions & 0o7));
        (mode & !0o070) | (permissions << 3)
    }

    /// Removes them. The caller sets the mode before: without its list, the file's group has the permissions that were
    /// the limit of the entries.
    #[cfg(target_os = "linux")]
    pub(crate) fn remove(&self, entry: &Entry) -> io::Result<()> {
        for (name, list) in NAMES.iter().zip([&self.access, &self.inherited]) {
            if list.is_none() {
                continue;
            }
            match rustix::fs::removexattr(entry.handle(), *name) {
                // Another dotwrap may be doing the same.
                Err(error) if error != rustix::io::Errno::NODATA => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// There are none.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn remove(&self, _: &Entry) -> io::Result<()> {
        Ok(())
    }
}

/// The tags and permissions of a list; None where it has another form.
fn entries(list: &[u8]) -> Option<impl Iterator<Item = (u16, u16)>> {
    let entries = list.get(HEADER..)?;
    let is_whole = entries.len().is_multiple_of(ENTRY);
    let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    let read = move |entry: &[u8]| (number(entry), number(&entry[2..]));
    is_whole.then(|| entries.chunks_exact(ENTRY).map(read))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16)]) -> Option<Vec<u8>> {
        let mut list = vec![2, 0, 0, 0];
        for (tag, permissions) in entries {
            list.extend(tag.to_le_bytes());
            list.extend(permissions.to_le_bytes());
            list.extend([0xff; 4]);
        }
        Some(list)
    }

    #[test]
    fn lists_without_a_permission_for_others_admit_nobody() {
        let access = |entries: &[(u16, u16)]| AccessLists {
            access: list(entries),
            inherited: None,
        };
        let inherited = |entries: &[(u16, u16)]| AccessLists {
            access: None,
            inherited: list(entries),
        };
        assert!(!access(&[(1, 6), (OWNING_GROUP, 4), (0x10, 4)]).admit_others());
        assert!(!access(&[(1, 6), (NAMED_USER, 0), (NAMED_GROUP, 0)]).admit_others());
        assert!(!inherited(&[(1, 7), (OWNING_GROUP, 0), (OTHER, 0)]).admit_others());
        assert!(access(&[(NAMED_USER, 4)]).admit_others());
        assert!(access(&[(NAMED_GROUP, 1)]).admit_others());
        assert!(inherited(&[(OTHER, 1)]).admit_others());
        let broken = AccessLists {
            access: Some(vec![2, 0, 0, 0, 1]),
            inherited: None,
        };
        assert!(broken.admit_others());
    }

    #[test]
    fn mode_has_the_groups_own_permissions_without_the_list() {
        let lists = AccessLists {
            access: list(&[(1, 6), (NAMED_USER, 6), (OWNING_GROUP, 4), (0x10, 6)]),
            inherited: None,
        };
        assert_eq!(lists.mode_without(0o660), 0o640);
        assert_eq!(AccessLists::default().mode_without(0o660), 0o660);
    }
}
