//! The other side: durable workflows of two steps that do nothing, by the `dbos` crate.

use std::{os::unix::ffi::OsStrExt as _, sync::Arc};

use dbos::{Config, DBOS, WorkflowRef, step};
use dotwrap_bench::{Failure, measure::Contend};
use dotwrap_embedded::OWNER;
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use crate::bed::Place;

/// One worker; all of a team share one instance, as the runs share one runner.
pub(crate) struct Workflows {
    run: WorkflowRef<u32, String>,
    _instance: DBOS,
}

/// Two checkpointed steps, one behind the other: a thing done, and what was done looked at.
async fn produce_and_verify(number: u32) -> dbos::Result<String> {
    let produced = step("produce", || async move {
        dbos::Result::Ok(format!("the work {number}"))
    })
    .await?;
    step("verify", || {
        let produced = produced.clone();
        async move { dbos::Result::Ok(format!("pass: {produced}")) }
    })
    .await
}

impl Workflows {
    pub(crate) async fn team(
        place: &Place,
        workers: usize,
        connections: usize,
    ) -> Result<(DBOS, Vec<Arc<Self>>), Failure> {
        let instance = DBOS::new(Config {
            max_connections: u32::try_from(connections)?,
            app_version: Some("1".to_owned()),
            ..Config::new("bench", url(place))
        });
        let workflow = instance.register_workflow("produce-and-verify", produce_and_verify)?;
        instance.launch().await?;
        let team = (0..workers)
            .map(|_| {
                Arc::new(Self {
                    run: workflow.clone(),
                    _instance: instance.clone(),
                })
            })
            .collect();
        Ok((instance, team))
    }
}

impl Contend for Workflows {
    async fn run_once(&self) -> Result<(), Failure> {
        self.run.run(7).await?;
        Ok(())
    }
}

fn url(place: &Place) -> String {
    let folder = percent_encode(place.socket_folder.as_os_str().as_bytes(), NON_ALPHANUMERIC);
    // sqlx wants a host's name even where there is a socket, and offers encryption on it unless told not to.
    format!(
        "postgresql://{OWNER}:{}@localhost:{}/{}?host={folder}&sslmode=disable",
        place.password, place.port, place.database
    )
}
