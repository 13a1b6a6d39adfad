//! What every state has that took the lease.

use std::time::Duration;

use serde_json::json;

use super::context::PairContext;
use crate::{RefusalCode, error::Error, lease::Lease};

/// A pair's run that took its lease.
#[derive(Debug)]
pub(super) struct LeaseGuard {
    pub(super) journey: PairContext,
    pub(super) lease: Lease,
}

impl LeaseGuard {
    pub(super) async fn renew(&self, ttl: Duration) -> Result<(), Error> {
        let wrapper = &self.journey.wrapper;
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
            .recording_refusal(self.journey.about(), outcome)
            .await
    }

    /// Whether it was held throughout.
    pub(super) async fn release(&self) -> Result<bool, Error> {
        self.journey.wrapper.release_token(&self.lease).await
    }

    /// Passes an outcome on; where it is an error, the lease is given back first, as the one-call pair
    /// leaves none behind either.
    pub(super) async fn release_on_error<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if outcome.is_err()
            && let Err(error) = self.release().await
        {
            tracing::warn!(%error, lease = self.lease.name(), "a lease could not be given back; it lapses by itself");
        }
        outcome
    }
}

/// Gives the states that took the lease what can be done with it. Each is named with the way to its [`LeaseGuard`].
macro_rules! holding {
    ($($state:ident: $($way:ident).+,)+) => {$(
        impl $state {
            /// The lease that was taken.
            pub fn lease(&self) -> &Lease {
                &self.$($way).+.lease
            }

            /// Lets the lease live so long from now.
            ///
            /// # Errors
            /// Refused as `lease_lost` where it is not held any more: it ran out, or was taken away. Whoever goes on
            /// all the same records beside somebody else. Refused as `ttl_invalid` too.
            pub async fn renew(&self, ttl: Duration) -> Result<(), Error> {
                self.$($way).+.renew(ttl).await
            }
        }
    )+};
}
pub(super) use holding;
