//! What the steps work with: a database with the contract in a schema of its own, and its client.
use std::time::Instant;

use dotwrap_app::backend::{self, Backend, Connection, SlotPolicy};
use dotwrap_app::settings::Settings;
use dotwrap_contract::{InstallOptions, RolePolicy};
use dotwrap_embedded::Origin;
use dotwrap_wrapper::{
    CandidateCode, ConnectionTarget, DotCode, IdempotencyKey, PairRecord, Wrapper,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::printer::DemoPrinter;
use super::sandbox::DemoRunner;
use super::{ROLE_PREFIX, SCHEMA};
use crate::failure::Failure;
use crate::output::Messages;

/// The pilot pair's producer.
pub(super) const PRODUCER: &str = "DOT_KG_EXPLAIN";
/// The candidate that it is evidence for.
pub(super) const CANDIDATE: &str = "PROC-CAND:dot:kg";
/// Who acts in the demonstration.
pub(super) const ACTOR: &str = "demo";

/// The database, its client, and what the steps so far have made.
pub(super) struct DemoContext {
    pub(super) wrapper: Wrapper,
    pub(super) target: ConnectionTarget,
    /// The role that owns the tables, where the installation has roles.
    pub(super) owner: Option<String>,
    /// New for every performance, so that each records a run of its own; the ledger keeps them all.
    pub(super) key: IdempotencyKey,
    pub(super) record: Option<PairRecord>,
    /// Where tools are really called.
    pub(super) workshop: DemoRunner,
    pub(super) messages: Messages,
    _reached: Connection,
}

impl DemoContext {
    /// Finds the database, installs the contract, and says so.
    pub(super) async fn set(
        settings: &Settings,
        messages: Messages,
        narrator: &mut DemoPrinter<'_>,
    ) -> Result<(Self, Value), Failure> {
        let began = Instant::now();
        narrator.paragraph("starting it (some seconds the first time) …")?;
        let reached = Backend {
            settings,
            slots: SlotPolicy::Usual,
            notices: &messages.silenced(),
        }
        .reach()
        .await?;
        let place = place(&reached);
        narrator.paragraph(&format!(
            "{} ({:.1} s)",
            place,
            began.elapsed().as_secs_f64()
        ))?;
        let plan = backend::install(&reached.target, &options()).await?;
        let done = if plan.is_current() {
            "already current"
        } else {
            "installed"
        };
        narrator.paragraph(&format!("the contract is {done}: tables, functions, views and roles in the schema \"{SCHEMA}\", none outside it"))?;
        plan.warnings
            .iter()
            .for_each(|warning| messages.warning(warning));
        let wrapper = Wrapper::builder()
            .target(reached.target.clone())
            .schema(SCHEMA)
            .actor(ACTOR)
            .build()
            .await?;
        let found =
            json!({ "database": reached.target.to_string(), "schema": SCHEMA, "contract": done });
        let key = IdempotencyKey::new(
            Timestamp::now()
                .strftime("demo-%Y%m%d-%H%M%S-%f")
                .to_string(),
        );
        let owner = plan.role_prefix().map(|prefix| format!("{prefix}_owner"));
        let workshop = DemoRunner::of(settings, &wrapper, &reached)?;
        Ok((
            Self {
                workshop,
                messages,
                wrapper,
                target: reached.target.clone(),
                owner,
                key,
                record: None,
                _reached: reached,
            },
            found,
        ))
    }

    pub(super) fn producer(&self) -> DotCode {
        DotCode::new(PRODUCER)
    }

    pub(super) fn candidate(&self) -> CandidateCode {
        CandidateCode::new(CANDIDATE)
    }

    /// What the record step made; the list of steps has it first.
    pub(super) fn recorded(&self) -> Result<&PairRecord, Failure> {
        self.record
            .as_ref()
            .ok_or_else(|| Failure::internal("a step that needs the record came before it"))
    }
}

fn place(reached: &Connection) -> String {
    let Some(cluster) = &reached.cluster else {
        return format!("the configured database, {}", reached.target);
    };
    let how = match cluster.origin() {
        Origin::Created => "made and started",
        Origin::Started => "started",
        Origin::Attached => "running already",
    };
    format!(
        "dotwrap's own PostgreSQL {}, {how}, in {}",
        cluster.version(),
        cluster.folder().display()
    )
}

fn options() -> InstallOptions {
    InstallOptions {
        schema: SCHEMA.to_owned(),
        role_prefix: ROLE_PREFIX.to_owned(),
        roles: RolePolicy::WherePossible,
        ..InstallOptions::default()
    }
}
