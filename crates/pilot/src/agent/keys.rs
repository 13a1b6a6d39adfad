//! Which key was used for what: the same request under the same key gets the same answer.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// How many keys are remembered. The oldest is forgotten first.
const REMEMBERED_KEYS: usize = 10_000;

/// The keys.
#[derive(Default)]
pub(super) struct Keys(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Key → what was said under it, and the answer.
    used: HashMap<String, (String, String)>,
    order: VecDeque<String>,
}

impl Keys {
    /// The answer to what is said under a key: the one that was given before, else the one that is composed now. None, where
    /// something else was said under that key. A failure is not remembered.
    ///
    /// Composing takes no time to speak of, so it is done under the lock: of two calls at once, the second finds the first's
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
