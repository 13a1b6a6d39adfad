//! Processes that a tool may leave behind, because they are what it was called for.
//!
//! They are found by the kernel's short name for them (`/proc/<id>/comm`), as `ps -o comm` and the evidence show it. What
//! such a process has started belongs to it.

use std::collections::BTreeSet;

use super::Supervisor;
use crate::{
    cgroup::Cgroup,
    supervisor::{
        EndReason,
        descendants::{self, Process, process_tree},
    },
};

/// How many bytes of a name the kernel keeps.
const NAME_BYTES: usize = 15;

/// How often what is spared is looked at while it is taken out of the call's group: it may start others meanwhile.
const LOOKS: usize = 10;

impl Supervisor<'_> {
    /// Spares what the contract names from what follows, where the tool ended by itself.
    pub(super) fn spare(&mut self, why: EndReason) {
        let names = &self.order.leave_running;
        if why != EndReason::ToolEnded || names.is_empty() || self.all_ended {
            return;
        }
        let running = descendants::running();
        let named = running.iter().filter(|process| is_named(process, names));
        self.spared = named.map(|process| process.id).collect();
        if let Some(group) = self.cgroup.as_ref().map(|group| group.group().clone()) {
            self.move_spared_out(&group);
        }
    }

    /// What is spared, and what it has started.
    pub(super) fn left_running(&self) -> Vec<Process> {
        match self.spared.is_empty() {
            true => Vec::new(),
            false => self.split(descendants::running()).0,
        }
    }

    /// What runs and is not spared.
    pub(super) fn running(&self) -> Vec<Process> {
        self.split(descendants::running()).1
    }

    /// Whether nothing is left to be ended.
    pub(super) fn is_over(&self) -> bool {
        self.all_ended
            || (self.status.is_some() && !self.spared.is_empty() && self.running().is_empty())
    }

    fn split(&self, running: Vec<Process>) -> (Vec<Process>, Vec<Process>) {
        let spared = process_tree(&running, self.spared.clone());
        running
            .into_iter()
            .partition(|process| spared.contains(&process.id))
    }

    /// The next call in this place ends what it finds in a group whose supervisor is gone.
    fn move_spared_out(&mut self, group: &Cgroup) {
        let mut moved = BTreeSet::new();
        for _ in 0..LOOKS {
            let left = self.left_running();
            let mut more = left.iter().filter(|process| !moved.contains(&process.id));
            let Some(first) = more.next() else { return };
            for process in [first].into_iter().chain(more) {
                if let Err(error) = group.give_back(process.id) {
                    self.not_enforced.push(format!(
                        "leave_running: process {} stays in the call's control group, and the next call may end it: {error}",
                        process.id
                    ));
                    return;
                }
            }
            moved.extend(left.iter().map(|process| process.id));
        }
    }
}

fn is_named(process: &Process, names: &[String]) -> bool {
    names.iter().any(|name| {
        let kept = name.as_bytes().iter().take(NAME_BYTES);
        process.name.as_bytes().iter().eq(kept)
    })
}
