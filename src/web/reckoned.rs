//! What the counts of a time come to, which takes long to be reckoned where there are many: it is done when somebody
//! looks, and then kept. Platforms are asked every ten minutes at most, so a minute is new enough.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::civil::Date;
use tokio::sync::Mutex;

use crate::desk::Failed;
use crate::desk::insights::{Days, Insights, reckoned};
use crate::post::identity::MessageId;

use super::Site;

/// How old it may be, and until when it will do while it is made anew.
const AGE: Duration = Duration::from_mins(1);
const OLD: Duration = Duration::from_hours(1);
/// How many are kept: those of each length, and of a few messages.
const KEPT: usize = 16;

/// Which days, up to today, of which message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Which {
    pub days: i32,
    pub message: Option<MessageId>,
}

struct Kept {
    which: Which,
    today: Date,
    made: Duration,
    insights: Arc<Insights>,
}

/// What was reckoned last, the newest first, and the right to reckon the next.
#[derive(Default)]
pub(super) struct Reckoned {
    kept: RwLock<Vec<Kept>>,
    making: Mutex<()>,
}

impl Reckoned {
    /// What is kept of these, and how old it is.
    fn kept(&self, site: &Site, which: &Which) -> Option<(Arc<Insights>, Duration)> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let today = today(site);
        let found = kept
            .iter()
            .find(|kept| kept.which == *which && kept.today == today)?;
        let age = site.pages.office.clock.uptime().saturating_sub(found.made);
        Some((Arc::clone(&found.insights), age))
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.which != new.which);
        kept.insert(0, new);
        kept.truncate(KEPT);
    }
}

fn today(site: &Site) -> Date {
    site.now().to_zoned(site.zone()).date()
}

/// What will do now.
///
/// # Errors
/// If the ledger can't be read.
pub(super) async fn insights(site: &Arc<Site>, which: &Which) -> Result<Arc<Insights>, Failed> {
    match site.reckoned.kept(site, which) {
        Some((insights, age)) if age <= AGE => Ok(insights),
        Some((insights, age)) if age <= OLD => {
            if site.reckoned.making.try_lock().is_ok() {
                let (site, which) = (Arc::clone(site), which.clone());
                tokio::spawn(async move { drop(make(&site, which).await) });
            }
            Ok(insights)
        }
        _ => make(site, which.clone()).await,
    }
}

/// One at a time; who comes second gets what the first made. Whoever asked may not wait for its end, but what is
/// begun is kept.
async fn make(site: &Arc<Site>, which: Which) -> Result<Arc<Insights>, Failed> {
    let worker = Arc::clone(site);
    // It is work for the processor too, and what is due must not wait behind it.
    let made = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(async {
            let _turn = worker.reckoned.making.lock().await;
            if let Some((insights, _)) = worker
                .reckoned
                .kept(&worker, &which)
                .filter(|(_, age)| *age <= AGE)
            {
                return Ok(insights);
            }
            let days = Days::until(worker.now(), which.days, worker.zone());
            let insights = reckoned(&*worker.pages.ledger, days, which.message.clone()).await?;
            let insights = Arc::new(insights);
            worker.reckoned.keep(Kept {
                which,
                today: today(&worker),
                made: worker.pages.office.clock.uptime(),
                insights: Arc::clone(&insights),
            });
            Ok(insights)
        })
    });
    made.await
        .map_err(|_| Failed::Wrong("the counts could not be reckoned".to_owned()))?
}
