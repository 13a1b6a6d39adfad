//! Rates and medians.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::Failure;

/// Something that makes one run after the other.
pub trait Contend: Send + Sync + 'static {
    /// Makes one run; it is over when this returns.
    fn run_once(&self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// Runs per second while every contender makes one after the other for as long as `slice`.
///
/// # Errors
/// The first failed run's.
pub async fn rate(contenders: &[Arc<impl Contend>], slice: Duration) -> Result<f64, Failure> {
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let began = Instant::now();
    let workers: Vec<_> = contenders
        .iter()
        .map(|contender| {
            let (contender, stop, count) =
                (Arc::clone(contender), Arc::clone(&stop), Arc::clone(&count));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    contender.run_once().await?;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    tokio::time::sleep(slice).await;
    let (recorded, lasted) = (count.load(Ordering::Relaxed), began.elapsed());
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await??;
    }
    #[allow(clippy::cast_precision_loss)] // a count of seconds' worth of runs
    Ok(recorded as f64 / lasted.as_secs_f64())
}

/// The middle of the values; of an even number, the upper one of the two.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
