//! Reads the ledger with its own SQL, independent of the code under test.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};
use uuid::Uuid;

/// All executed runs of the ledger.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) runs: BTreeMap<Uuid, Run>,
    pub(crate) requests: BTreeMap<Uuid, Request>,
    /// Leases that a run was never concluded under.
    pub(crate) bound_leases: i64,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) key: String,
    pub(crate) conclusion: Option<Conclusion>,
    /// By role.
    pub(crate) receipts: BTreeMap<String, Receipt>,
    /// By role.
    pub(crate) components: BTreeMap<String, Component>,
    /// The outbox events of the run as a whole.
    pub(crate) events: Vec<String>,
}

/// The conclusion of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    pub(crate) status: String,
    pub(crate) verdict: Option<String>,
    pub(crate) outcome: Option<String>,
    pub(crate) concluded_at: String,
}

/// A receipt.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) id: Uuid,
    /// In nanoseconds since 1970.
    pub(crate) committed_at: i128,
}

/// A component.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub(crate) id: Uuid,
    pub(crate) receipt: Option<Uuid>,
    pub(crate) status: String,
    pub(crate) output_ref: Option<String>,
    pub(crate) output_digest: Option<String>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) state: String,
    pub(crate) outcome: Option<String>,
    pub(crate) run: Option<Uuid>,
    pub(crate) finished_at: Option<String>,
}

impl Ledger {
    pub(crate) async fn read(client: &Client) -> Self {
        let mut ledger = Self::default();
        for row in ask(
            client,
            "SELECT process_run_id, coalesce(idempotency_key, '') FROM dot.process_run_observation",
        )
        .await
        {
            let run = Run {
                key: row.get(1),
                conclusion: None,
                receipts: BTreeMap::new(),
                components: BTreeMap::new(),
                events: Vec::new(),
            };
            ledger.runs.insert(row.get(0), run);
        }
        ledger.read_calls(client).await;
        ledger.read_ends(client).await;
        ledger
    }

    /// Who refers to a run that is not there is found by `verify`, and by the foreign keys.
    fn run(&mut self, row: &Row) -> &mut Run {
        self.runs.get_mut(&row.get::<_, Uuid>(0)).unwrap()
    }

    async fn read_calls(&mut self, client: &Client) {
        const RECEIPTS: &str = "SELECT process_run_id, component_role, invocation_id,
              (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint
            FROM dot.dot_invocation";
        for row in ask(client, RECEIPTS).await {
            let microseconds: i64 = row.get(3);
            let receipt = Receipt {
                id: row.get(2),
                committed_at: i128::from(microseconds) * 1_000,
            };
            self.run(&row).receipts.insert(row.get(1), receipt);
        }
        const COMPONENTS: &str = "SELECT process_run_id, component_role, component_run_id, invocation_id, status, output_ref, output_digest
            FROM dot.process_component_observation";
        for row in ask(client, COMPONENTS).await {
            let component = Component {
                id: row.get(2),
                receipt: row.get(3),
                status: row.get(4),
                output_ref: row.get(5),
                output_digest: row.get(6),
            };
            let twice = self.run(&row).components.insert(row.get(1), component);
            assert!(twice.is_none(), "two components of one role: {row:?}");
        }
    }

    async fn read_ends(&mut self, client: &Client) {
        const CONCLUSIONS: &str =
            "SELECT process_run_id, status, verdict, evidence_ref->>'outcome', concluded_at::text
            FROM dot.process_run_conclusion";
        for row in ask(client, CONCLUSIONS).await {
            let conclusion = Conclusion {
                status: row.get(1),
                verdict: row.get(2),
                outcome: row.get(3),
                concluded_at: row.get(4),
            };
            let twice = self.run(&row).conclusion.replace(conclusion);
            assert!(twice.is_none(), "two conclusions: {row:?}");
        }
        const EVENTS: &str = "SELECT process_run_id, payload->>'status' FROM dot.event_outbox
            WHERE component_run_id IS NULL ORDER BY event_seq";
        for row in ask(client, EVENTS).await {
            let status = row.get(1);
            self.run(&row).events.push(status);
        }
        const REQUESTS: &str = "SELECT request_id, state, outcome, process_run_id, finished_at::text FROM dot.dot_run_request";
        for row in ask(client, REQUESTS).await {
            let request = Request {
                state: row.get(1),
                outcome: row.get(2),
                run: row.get(3),
                finished_at: row.get(4),
            };
            self.requests.insert(row.get(0), request);
        }
        const LEASES: &str =
            "SELECT count(*) FROM dot.dot_iu_runtime_lease WHERE process_run_id IS NOT NULL";
        self.bound_leases = ask(client, LEASES).await[0].get(0);
    }

    /// The run of a key; there is one at most, by an index.
    pub(crate) fn run_of(&self, key: &str) -> Option<Uuid> {
        let mut own = self.runs.iter().filter(|(_, run)| run.key == key);
        own.next().map(|(id, _)| *id)
    }
}

async fn ask(client: &Client, question: &str) -> Vec<Row> {
    client.query(question, &[]).await.unwrap()
}
