//! Which tools a server has.

use rmcp::{
    Peer, RoleClient,
    model::{PaginatedRequestParams, Tool},
    service::ServiceError,
};

/// What the list says of one name.
#[derive(Debug)]
pub(crate) enum ToolLookup {
    /// It is there.
    Once(Box<Tool>),
    /// It is not.
    Never,
    /// It is there more than once, and nobody can say which of them a call would reach.
    Repeatedly,
}

/// Reads the whole list, page by page. It ends with the server's patience or the call's.
pub(crate) async fn find(peer: &Peer<RoleClient>, name: &str) -> Result<ToolLookup, ServiceError> {
    let mut found = ToolLookup::Never;
    let mut cursor = None;
    loop {
        let page = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let listed = peer.list_tools(page).await?;
        for tool in listed.tools.into_iter().filter(|tool| tool.name == name) {
            found = match found {
                ToolLookup::Never => ToolLookup::Once(Box::new(tool)),
                _ => ToolLookup::Repeatedly,
            };
        }
        cursor = listed.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}
