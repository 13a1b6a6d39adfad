//! The used keys: the same request with the same key gets the same answer.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// The number of stored keys. The oldest is removed first.
const REMEMBERED_KEYS: usize = 10_000;

/// The keys.
#[derive(Default)]
pub(super) struct Keys(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Key → the request and its answer.
    used: HashMap<String, (String, String)>,
    order: VecDeque<String>,
}

impl Keys {
    /// Returns the earlier answer for this key, or composes a new one. None where the key was used with another
    /// request. A failure is not stored.
    ///
    /// Composing is fast, so it happens under the lock: the second of two concurrent calls finds the first one's
    /// answer.
    pub(super) fn answer<E>(
        &self,
        key: &str,
        said: &str,
        compose: impl FnOnce() -> Result<String, E>,
    ) -> Result<Option<String>, E> {
        // Nothing here can be left half done, so a poisoned lock is as good as any.
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((same, answer)) = inner.used.get(key) {
            return Ok((same == said).then(|| answer.clone()));
        }
        let answer = compose()?;
        inner.keep(key, said, &answer);
        Ok(Some(answer))
    }
}

impl Inner {
    fn keep(&mut self, key: &str, said: &str, answer: &str) {
        let entry = (said.to_owned(), answer.to_owned());
        self.used.insert(key.to_owned(), entry);
        self.order.push_back(key.to_owned());
        if self.order.len() > REMEMBERED_KEYS
            && let Some(oldest) = self.order.pop_front()
        {
            self.used.remove(&oldest);
        }
    }
}
