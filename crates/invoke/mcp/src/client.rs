//! The side of the protocol that a server sees: it can do nothing for the server.
#![expect(
    deprecated,
    reason = "servers of earlier revisions may still ask for sampling and roots"
)]

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, CreateMessageRequestParams, CreateMessageResult,
        CustomRequest, CustomResult, ElicitRequestParams, ElicitResult, ErrorCode, Implementation,
        ListRootsResult,
    },
    service::RequestContext,
};

/// Refuses what a server asks for, and remembers that it asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusingClient {
    refused: Arc<Mutex<BTreeSet<&'static str>>>,
}

impl RefusingClient {
    /// What the server asked for.
    pub(crate) fn refused(&self) -> Vec<&'static str> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().copied().collect()
    }

    /// The name of a method of the server's own making is not kept: it is the server's text.
    fn refuse<T>(&self, method: &'static str) -> Result<T, ErrorData> {
        self.refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(method);
        Err(ErrorData::new(
            ErrorCode::METHOD_NOT_FOUND,
            "this client answers no requests",
            None,
        ))
    }
}

impl ClientHandler for RefusingClient {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(
            ClientCapabilities::default(),
            Implementation::new("dotwrap", env!("CARGO_PKG_VERSION")),
        )
    }

    async fn create_message(
        &self,
        _params: CreateMessageRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.refuse("sampling/createMessage")
    }

    async fn list_roots(
        &self,
        _context: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        self.refuse("roots/list")
    }

    async fn create_elicitation(
        &self,
        _request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.refuse("elicitation/create")
    }

    async fn on_custom_request(
        &self,
        _request: CustomRequest,
        _context: RequestContext<RoleClient>,
    ) -> Result<CustomResult, ErrorData> {
        self.refuse("a method of its own")
    }
}
