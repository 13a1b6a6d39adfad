//! The status model of the specification, as data.

/// One row of the status model.
pub(super) struct StatusRow {
    pub(super) wrapper: &'static str,
    pub(super) header: &'static str,
    pub(super) component: &'static str,
    pub(super) tags: &'static [(&'static str, &'static str)],
}

/// The status model of the specification. Its sixth status, `blocked`, inserts no row.
pub(super) const STATUS_MODEL: [StatusRow; 5] = [
    StatusRow {
        wrapper: "prepared",
        header: "observed",
        component: "observed",
        tags: &[
            ("wrapper_phase", "\"prepared\""),
            ("requested_evidence_type", "\"SIMULATED_DRY_RUN\""),
        ],
    },
    StatusRow {
        wrapper: "started",
        header: "started",
        component: "step_started",
        tags: &[],
    },
    StatusRow {
        wrapper: "completed",
        header: "completed",
        component: "step_completed",
        tags: &[],
    },
    StatusRow {
        wrapper: "failed",
        header: "failed",
        component: "failed",
        tags: &[],
    },
    StatusRow {
        wrapper: "skipped",
        header: "cancelled",
        component: "cancelled",
        tags: &[("skipped", "true")],
    },
];
