//! Crashes by the hundred: `cargo run --release -p dotwrap-crash -- --rounds 300`.

use std::time::Instant;

use clap::Parser;
use dotwrap_crash::{Campaign, Plan};

/// Kill dotwrap and PostgreSQL, and cut the wire between them, at every step of executed runs.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many kills; beside them, the connection is cut at each of a run's messages, before it comes through and
    /// behind that
    #[arg(long, env = "DOTWRAP_CRASH_ROUNDS", default_value_t = 300)]
    rounds: usize,
    /// What chance there is in them [default: another one each time]
    #[arg(long, env = "DOTWRAP_CRASH_SEED")]
    seed: Option<u64>,
    /// How many messages a run is taken to have, to see a cut again [default: counted]
    #[arg(long, env = "DOTWRAP_CRASH_MESSAGES")]
    messages: Option<usize>,
    /// Only this campaign, with all the rounds
    #[arg(long, value_enum)]
    campaign: Option<Campaign>,
    /// Begin with this round of the campaign, to see one again
    #[arg(long, default_value_t = 0, requires = "campaign")]
    from: usize,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(dotwrap_crash::new_seed);
    let campaigns = match arguments.campaign {
        Some(campaign) => vec![campaign],
        None => Campaign::ALL.to_vec(),
    };
    let begun = Instant::now();
    for campaign in campaigns {
        let rounds = match arguments.campaign {
            Some(_) => arguments.rounds,
            None if campaign == Campaign::Connection => usize::MAX,
            None => campaign.share_of(arguments.rounds),
        };
        let plan = Plan {
            seed,
            rounds: arguments.from..rounds.max(arguments.from),
            messages: arguments.messages,
        };
        campaign.run(&plan).await;
    }
    println!("seed {seed}: everything holds, after {:?}", begun.elapsed());
}
