//! LEASE: single flight. A live lease is never handed to a second caller, not even to one that gives the
//! same holder name: only the token proves who holds it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    RefusalCode, Wrapper,
    database::{Call, Value, row},
    error::Error,
    types::{Actor, DotCode, LeaseToken, text_enum},
};

/// How long a pair's lease lives unless something else was said, as the contract's default.
pub const DEFAULT_LEASE_TTL: Duration = Duration::from_secs(60);

text_enum! {
    /// What a lease is in at this instant, by the database's clock.
    pub enum LeaseState {
        /// Nobody holds it.
        Free,
        /// Somebody holds it.
        Held,
        /// It ran out without having been released: its holder is late, or dead.
        Expired,
    }
}

row! {
    /// One lease as it is now.
    pub struct LeaseRecord {
        /// Its name, `dot_exec:<producer code>` for a pair.
        pub lease_name: String,
        /// Who holds it, or held it last.
        pub lease_holder: String,
        /// Since when.
        pub acquired_at: Option<Timestamp>,
        /// Until when.
        pub expires_at: Option<Timestamp>,
        /// When it was given back.
        pub released_at: Option<Timestamp>,
        /// How often it was taken so far.
        pub acquisitions: i64,
        /// What it is in now.
        pub state: LeaseState,
    }
}

/// A lease that was taken. It is given back by [`Wrapper::release_lease`]; one that is merely dropped
/// stays held until its time is over, because nothing can be sent from a destructor.
#[derive(Debug)]
#[must_use = "a lease that is dropped stays held until its time is over"]
pub struct Lease {
    name: String,
    holder: Actor,
    token: LeaseToken,
}

impl Lease {
    /// The name of the lease under which a pair runs, given its producer.
    pub fn pair_lease_name(producer: &DotCode) -> String {
        format!("dot_exec:{producer}")
    }

    /// The lease that a run was begun under.
    pub(crate) fn of_run(producer: &DotCode, holder: Actor, token: LeaseToken) -> Self {
        Self {
            name: Self::pair_lease_name(producer),
            holder,
            token,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who holds it.
    pub fn holder(&self) -> &Actor {
        &self.holder
    }

    /// The proof that one holds it.
    pub fn token(&self) -> LeaseToken {
        self.token
    }
}

impl Wrapper {
    /// Takes a lease, from 1 second to 24 hours long.
    ///
    /// # Errors
    /// Refused as `lease_held` while somebody holds it, with the holder and the expiry in the detail; as
    /// `lease_name_invalid`, `holder_required`, `ttl_invalid` or `text_too_long`.
    pub async fn acquire_lease(
        &self,
        name: impl Into<String>,
        holder: impl Into<Actor>,
        ttl: Duration,
    ) -> Result<Lease, Error> {
        let (name, holder) = (name.into(), holder.into());
        let call = Call::to("fn_dot_iu_runtime_lease_acquire")
            .with("p_lease_name", name.as_str())
            .with("p_holder", &holder)
            .with("p_ttl_seconds", whole_seconds(ttl));
        match self.database.value::<Option<LeaseToken>>(&call).await? {
            Some(token) => Ok(Lease {
                name,
                holder,
                token,
            }),
            None => Err(self.lease_held(&name).await),
        }
    }

    /// Lets a lease live so long from now. False: it is not held any more, so its holder has to stop.
    ///
    /// # Errors
    /// Refused as `ttl_invalid`.
    pub async fn renew_lease(&self, lease: &Lease, ttl: Duration) -> Result<bool, Error> {
        let call = Call::to("fn_dot_iu_runtime_lease_renew")
            .with("p_lease_name", lease.name.as_str())
            .with("p_holder", &lease.holder)
            .with("p_token", lease.token)
            .with("p_ttl_seconds", whole_seconds(ttl))
            .idempotent();
        self.database.value(&call).await
    }

    /// Gives a lease back. True: nobody else has held it since it was taken, even if it ran out meanwhile. False: it
    /// was taken over or away, so another may have done the same meanwhile; or it was given back before.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn release_lease(&self, lease: Lease) -> Result<bool, Error> {
        self.release_token(&lease).await
    }

    pub(crate) async fn release_token(&self, lease: &Lease) -> Result<bool, Error> {
        let call = Call::to("fn_dot_iu_runtime_lease_release")
            .with("p_lease_name", lease.name.as_str())
            .with("p_holder", &lease.holder)
            .with("p_token", lease.token);
        self.database.value(&call).await
    }

    /// Takes a live lease away from its holder. False: nobody held it.
    ///
    /// Another may take it from then on. What its holder still records is refused (`lease_lost`) only for an executed
    /// run, which its header binds to the lease it was begun under; a simulated run is bound to none, and its holder
    /// learns of it by [`Wrapper::renew_lease`] or [`Wrapper::release_lease`], which then return false.
    ///
    /// # Errors
    /// Refused as `actor_required` or `reason_required`; [`Error::NotPermitted`] for whoever is no
    /// operator.
    pub async fn force_release_lease(
        &self,
        name: &str,
        actor: Option<&Actor>,
        reason: &str,
    ) -> Result<bool, Error> {
        let call = Call::to("fn_dot_lease_force_release")
            .with("p_lease_name", name)
            .with("p_actor", self.actor_or_default(actor))
            .with("p_reason", reason);
        self.database.value(&call).await
    }

    /// Every lease, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn leases(&self) -> Result<Vec<LeaseRecord>, Error> {
        self.database
            .view("v_dot_lease", "ORDER BY lease_name", Vec::new())
            .await
    }

    /// The refusal for a lease that somebody else holds, with what can be said of them.
    async fn lease_held(&self, name: &str) -> Error {
        let records: Result<Vec<LeaseRecord>, Error> = self
            .database
            .view(
                "v_dot_lease",
                "WHERE lease_name = $1",
                vec![Value::from(name)],
            )
            .await;
        let record = records.ok().and_then(|records| records.into_iter().next());
        let detail = json!({
            "lease_name": name,
            "lease_holder": record.as_ref().map(|record| &record.lease_holder),
            "expires_at": record.as_ref().and_then(|record| record.expires_at),
        });
        self.refuse(
            RefusalCode::LeaseHeld,
            format!("the lease {name} is held"),
            detail,
        )
        .await
    }
}

/// The contract counts in whole seconds; a part of one is a whole one. What does not fit its integer
/// is beyond its 24 hours anyway, and refused there.
pub(crate) fn whole_seconds(time: Duration) -> i32 {
    let rounded_up = time
        .as_secs()
        .saturating_add(u64::from(time.subsec_nanos() > 0));
    i32::try_from(rounded_up).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lease_duration_rounds_up_to_seconds() {
        assert_eq!(whole_seconds(Duration::from_millis(1)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1000)), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::ZERO), 0);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}
