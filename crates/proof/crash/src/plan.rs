//! The crashes of a campaign: a function of the seed alone, so that a failure can be reproduced.

use std::env;
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::campaign::Campaign;

/// The crashes of one campaign.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// The index among the seed's crashes, so that a failing one can be repeated alone.
    pub rounds: Range<usize>,
    /// The assumed number of messages per run: counted by default, then varied a little, because a run polls the gates
    /// while its tools work.
    pub messages: Option<usize>,
}

impl Plan {
    /// From the environment: `DOTWRAP_CRASH_SEED`, and `DOTWRAP_CRASH_ROUNDS`, the number of kills of all campaigns
    /// together.
    ///
    /// # Panics
    /// Where these are no numbers.
    #[must_use]
    pub fn from_environment(campaign: Campaign, rounds_unless_said: usize) -> Self {
        let seed = number("DOTWRAP_CRASH_SEED").unwrap_or_else(new_seed);
        let rounds = number("DOTWRAP_CRASH_ROUNDS").map_or(rounds_unless_said, |all| {
            campaign.share_of(usize::try_from(all).unwrap())
        });
        Self {
            seed,
            rounds: 0..rounds,
            messages: number("DOTWRAP_CRASH_MESSAGES").map(|it| it.try_into().unwrap()),
        }
    }

    /// The random generator of one round.
    pub(crate) fn rng(&self, campaign: Campaign, round: usize) -> fastrand::Rng {
        // Any mixing will do that keeps the rounds of a seed apart; the constant is the golden ratio's.
        let round = u64::try_from(round).unwrap() + 1;
        let place = (campaign as u64 + 1) << 32 | round;
        fastrand::Rng::with_seed(self.seed ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// A random seed.
#[must_use]
pub fn new_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    // Short enough to be typed.
    now.as_secs() % 1_000_000
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{variable}={text}: {error}"),
    }
}
