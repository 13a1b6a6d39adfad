//! The part that all states with a lease share.

use std::time::Duration;

use serde_json::json;

use super::context::PairContext;
use crate::{RefusalCode, error::Error, lease::Lease};

/// A pair's run that acquired its lease.
#[derive(Debug)]
pub(super) struct LeaseGuard {
    pub(super) context: PairContext,
    pub(super) lease: Lease,
}

impl LeaseGuard {
    pub(super) async fn renew(&self, ttl: Duration) -> Result<(), Error> {
        let wrapper = &self.context.wrapper;
        let outcome = match wrapper.renew_lease(&self.lease, ttl).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let name = self.lease.name();
                let message = format!("the lease {name} is not held any more");
                let detail = json!({ "lease_name": name });
                Err(wrapper
                    .refuse(RefusalCode::LeaseLost, message, detail)
                    .await)
            }
            Err(error) => Err(error),
        };
        wrapper
            .recording_refusal(self.context.about(), outcome)
            .await
    }

    /// Whether no other caller held the lease meanwhile.
    pub(super) async fn release(&self) -> Result<bool, Error> {
        self.context.wrapper.release_token(&self.lease).await
    }

    /// Returns the result. An error releases the lease first, because the one-call pair leaves no lease held either.
    pub(super) async fn release_on_error<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_err()
            && let Err(error) = self.release().await
        {
            tracing::warn!(%error, lease = self.lease.name(), "a lease could not be given back; it lapses by itself");
        }
        outcome
    }
}

/// Implements the lease methods for the states that acquired the lease. Each is named with the path to its
/// [`LeaseGuard`].
macro_rules! holding {
    ($($state:ident: $($way:ident).+,)+) => {$(
        impl $state {
            /// The acquired lease.
            pub fn lease(&self) -> &Lease {
                &self.$($way).+.lease
            }

            /// Extends the lease from now.
            ///
            /// # Errors
            /// Refused as `lease_lost` where the lease expired or was released by force; a caller that goes on
            /// nevertheless records beside another one. Refused as `ttl_invalid`.
            pub async fn renew(&self, ttl: Duration) -> Result<(), Error> {
                self.$($way).+.renew(ttl).await
            }
        }
    )+};
}
pub(super) use holding;
