//! LEASE: one run of a pair at a time. A live lease is never granted to a second caller, not even to one with the same
//! holder name: only the token proves the holder.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use crate::{
    RefusalCode, Wrapper,
    database::{Call, Value, row},
    error::Error,
    types::{Actor, DotCode, LeaseToken, ProcessRunId, text_enum},
};

/// The default time to live of a pair's lease, as in the contract.
pub const DEFAULT_LEASE_TTL: Duration = Duration::from_secs(60);

text_enum! {
    /// The state of a lease, by the database's clock.
    pub enum LeaseState {
        /// Free.
        Free,
        /// Held.
        Held,
        /// It expired without a release: its holder is late or dead.
        Expired,
    }
}

row! {
    /// One lease as it is now.
    pub struct LeaseRecord {
        /// Its name, `dot_exec:<producer code>` for a pair.
        pub lease_name: String,
        /// The current or last holder.
        pub lease_holder: String,
        /// Since when.
        pub acquired_at: Option<Timestamp>,
        /// Until when.
        pub expires_at: Option<Timestamp>,
        /// The time of the release.
        pub released_at: Option<Timestamp>,
        /// The number of acquisitions.
        pub acquisitions: i64,
        /// The current state.
        pub state: LeaseState,
        /// The run that was begun under it and is not concluded.
        pub process_run_id: Option<ProcessRunId>,
        /// The holder's process, for programs on its machine.
        pub holder_process: Option<String>,
    }
}

/// An acquired lease. [`Wrapper::release_lease`] releases it. A dropped one stays held until it expires, because a
/// destructor cannot send a statement.
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
    pub(crate) fn of_run(name: String, holder: Actor, token: LeaseToken) -> Self {
        Self {
            name,
            holder,
            token,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The holder.
    pub fn holder(&self) -> &Actor {
        &self.holder
    }

    /// The token that proves the holder.
    pub fn token(&self) -> LeaseToken {
        self.token
    }
}

impl Wrapper {
    /// Acquires a lease for 1 second to 24 hours.
    ///
    /// # Errors
    /// Refused as `lease_held` while it is held, with the holder and the expiry in the detail; as `lease_name_invalid`,
    /// `holder_required`, `ttl_invalid` or `text_too_long`.
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

    /// Extends a lease from now. Returns false where it is no longer held: its holder has to stop.
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

    /// Releases a lease. Returns true where no other caller held it since it was acquired, even if it expired
    /// meanwhile. Returns false where it was taken over, released by force, or released before: another caller may have
    /// run the pair.
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

    /// Releases a live lease by force. Returns false where it was not held.
    ///
    /// Other callers may acquire it afterwards. Further records of the old holder are refused (`lease_lost`) only for
    /// an executed run, whose header names its lease. A simulated run is bound to none, and its holder notices by
    /// [`Wrapper::renew_lease`] or [`Wrapper::release_lease`], which then return false.
    ///
    /// # Errors
    /// Refused as `actor_required` or `reason_required`; [`Error::NotPermitted`] for a login that is no operator.
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

    /// Ends a lease whose holder's process has ended on this machine, and concludes its run. Returns that run; None where
    /// that process does not hold the lease any more.
    ///
    /// # Errors
    /// Refused as `login_mismatch` for another login than the holder's or an operator's.
    pub async fn end_lease_of_ended_process(
        &self,
        name: &str,
        holder_process: &str,
        actor: Option<&Actor>,
    ) -> Result<Option<ProcessRunId>, Error> {
        let call = Call::to("fn_dot_lease_holder_ended")
            .with("p_lease_name", name)
            .with("p_holder_process", holder_process)
            .with("p_actor", self.actor_or_default(actor));
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

    /// The refusal for a held lease, with its holder and expiry.
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
            "acquired_at": record.as_ref().and_then(|record| record.acquired_at),
            "process_run_id": record.as_ref().and_then(|record| record.process_run_id),
            "holder_process": record.as_ref().and_then(|record| record.holder_process.clone()),
        });
        self.refuse(
            RefusalCode::LeaseHeld,
            format!("the lease {name} is held"),
            detail,
        )
        .await
    }
}

/// The contract counts whole seconds: a fraction is rounded up. A value beyond its integer type exceeds 24 hours and is
/// refused there.
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
