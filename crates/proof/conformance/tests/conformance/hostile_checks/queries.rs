//! Queries that run the preflight with the check `hostile`.

pub(super) const ASSERT: &str = "SELECT dot.fn_assert_safe_for_dot_action()::text";

pub(super) const PREFLIGHT: &str =
    "SELECT check_name, cnt, status FROM dot.fn_dot_preflight() WHERE check_name = 'hostile'";
