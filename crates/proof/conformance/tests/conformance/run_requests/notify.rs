//! Notifications of new requests and of changed gates.

use rstest_reuse::apply;
use tokio_postgres::Client;

use super::calls::request_call;
use crate::common::backend::on_each_version;
use crate::common::run_calls::bind;
use crate::common::{Backend, Call, TestContext, rows};

#[apply(on_each_version)]
async fn notify_on_request_and_gate_change(backend: Backend) {
    let stage = TestContext::new(backend).await;
    let operator = stage.client("operator").await;
    bind(&operator).await;
    let (listener, mut told) = listening(&stage).await;
    listener
        .batch_execute("LISTEN dotwrap_gate; LISTEN dotwrap_request")
        .await
        .unwrap();
    rows(
        &operator,
        &Call::gate("process_dot_runtime.real_run_enabled", "false").sql(),
    )
    .await;
    rows(&operator, &request_call().sql()).await;
    for channel in ["dotwrap_gate", "dotwrap_request"] {
        let notification = told.recv().await.unwrap();
        assert_eq!(
            (notification.channel(), notification.payload()),
            (channel, "dot")
        );
    }
}

/// A session whose notifications are sent to a channel.
async fn listening(
    stage: &TestContext,
) -> (
    Client,
    tokio::sync::mpsc::UnboundedReceiver<tokio_postgres::Notification>,
) {
    let config = stage.database().config_as("dot_runner");
    let (client, mut connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let (sender, told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = futures_util::StreamExt::next(&mut messages).await {
            if let tokio_postgres::AsyncMessage::Notification(notification) = message {
                let _ = sender.send(notification);
            }
        }
    });
    (client, told)
}
