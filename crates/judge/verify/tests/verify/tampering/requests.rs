//! Tampered requests.

use super::Lie;

pub(super) const LIES: &[Lie] = &[
    Lie {
        told: "a request that takes another's run for its own",
        sql: "UPDATE dot.dot_run_request SET state = 'finished', outcome = 'concluded', finished_at = clock_timestamp(), process_run_id = '{executed}'
            WHERE request_id = '{waiting_request}'",
        noticed: &[("request_has_its_own_run", "{waiting_request}: its run {executed} has the key 'request:{request}'")],
    },
    Lie {
        told: "a request that was concluded by a run that is not there",
        sql: "UPDATE dot.dot_run_request SET process_run_id = '{nowhere}' WHERE request_id = '{request}'",
        noticed: &[
            ("request_has_its_own_run", "{request}: its run {nowhere} is not there"),
            ("run_is_known_to_its_request", "{executed}: begun for the request {request}, which is finished and names the run {nowhere}"),
        ],
    },
    Lie {
        told: "a request for a dry run that became a real one",
        sql: "UPDATE dot.dot_run_request SET mode = 'DRY_RUN' WHERE request_id = '{request}'",
        noticed: &[("request_has_its_own_run", "{request}: its run {executed} is not what was asked for")],
    },
    Lie {
        told: "a request that was cancelled after its run",
        sql: "UPDATE dot.dot_run_request SET state = 'cancelled', outcome = NULL, process_run_id = NULL, cancelled_by = 'eve', cancelled_recorded_by = 'eve', cancel_reason = 'regret'
            WHERE request_id = '{request}'",
        noticed: &[("run_is_known_to_its_request", "{executed}: begun for the request {request}, which is cancelled and names no run")],
    },
    Lie {
        told: "a request that vanished from the queue",
        sql: "ALTER TABLE dot.dot_run_request DROP CONSTRAINT dot_run_request_cancelled_says_why;
            UPDATE dot.dot_run_request SET state = 'cancelled', finished_at = clock_timestamp() WHERE request_id = '{waiting_request}'",
        noticed: &[("request_says_how_it_ended", "{waiting_request}: cancelled, with no outcome")],
    },
    Lie {
        told: "a request that was deleted",
        sql: "DELETE FROM dot.dot_run_request WHERE request_id = '{request}'",
        noticed: &[("run_names_a_request_that_is_there", "{executed}: begun under the key 'request:{request}', and there is no such request")],
    },
];
