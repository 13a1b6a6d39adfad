//! Fixtures: inputs that are kept with their digest.

use crate::{
    Wrapper,
    database::{Call, Value, read_row},
    error::Error,
    types::{Actor, Fixture},
};

read_row!(Fixture {
    fixture_ref,
    sha256,
    body,
    created_at
});

impl Wrapper {
    /// Every fixture, by name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fixtures(&self) -> Result<Vec<Fixture>, Error> {
        self.database
            .view("v_dot_fixture", "ORDER BY fixture_ref", Vec::new())
            .await
    }

    /// One fixture; none: there is no such name.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fixture(&self, fixture_ref: &str) -> Result<Option<Fixture>, Error> {
        let named = "WHERE fixture_ref = $1";
        let found = self
            .database
            .view("v_dot_fixture", named, vec![Value::from(fixture_ref)])
            .await?;
        Ok(found.into_iter().next())
    }

    /// One fixture, as a tool is given it: one that cannot be decoded is an error.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fixture_to_call(&self, fixture_ref: &str) -> Result<Option<Fixture>, Error> {
        let named = "WHERE fixture_ref = $1";
        let found = self
            .database
            .view_whole("v_dot_fixture", named, vec![Value::from(fixture_ref)])
            .await?;
        Ok(found.into_iter().next())
    }

    /// Stores or replaces a fixture. The digest is that of the body's text, the same as `sha256sum` prints for the
    /// file.
    ///
    /// # Errors
    /// Refused as `fixture_digest_mismatch` where the digest is of something else, `fixture_missing`,
    /// `contract_invalid` where the body is no JSON; [`Error::NotPermitted`] for a login that is no operator.
    pub async fn put_fixture(
        &self,
        fixture_ref: &str,
        body: &str,
        sha256: &str,
        actor: Option<&Actor>,
    ) -> Result<String, Error> {
        let call = Call::to("fn_dot_fixture_put")
            .with("p_fixture_ref", fixture_ref)
            .with("p_body", body)
            .with("p_sha256", sha256)
            .with("p_actor", self.actor_or_default(actor))
            .idempotent();
        self.database.value(&call).await
    }
}
