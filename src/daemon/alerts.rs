//! Tells those who look after it what needs a person: each thing once, and once more when it is over. What each channel
//! has been told is kept in the ledger, so that no restart and no other replica tells it again.
//!
//! It stands beside the sending and never in its way: a channel that is out of reach is logged and tried again later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::civil::Date;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::alert::{Book, Condition, Kind, Look, Said, Terms, said};
use crate::campaign::Campaign;
use crate::ledger::{Ledger, LedgerError};
use crate::platform::alert::Channel;
use crate::post::identity::{AccountName, PostId};
use crate::settings::AccountSettings;

use super::trouble::{dry_days, look, of_clock, of_ledger, post_of};
use super::{Shared, World, past_of};

/// How often it looks.
const ROUND: Duration = Duration::from_secs(5);
/// How often the plan is asked whether a queue runs dry.
const PLANS: Duration = Duration::from_mins(10);
/// How long the ledger may fail, and the clock be doubted, before anybody is told: most of that ends by itself.
const LEDGER: Duration = Duration::from_mins(1);
const CLOCK: Duration = Duration::from_mins(10);
/// The longest that a look at the ledger may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long after a channel failed; each time twice as long.
const FIRST_WAIT: Duration = Duration::from_mins(1);
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// Who is told.
#[derive(Default)]
pub struct Alerts {
    pub channels: Vec<Addressee>,
    /// Of whom they are told.
    pub accounts: Vec<AccountSettings>,
}

/// `[alert.NAME]`, ready to be told.
pub struct Addressee {
    pub name: String,
    pub terms: Terms,
    pub channel: Channel,
}

/// Where the ledger keeps what a channel has been told.
pub fn book_key(name: &str) -> String {
    format!("alerts {name}")
}

/// What a channel has been told, as the ledger keeps it.
///
/// # Errors
/// If the ledger can't be read.
pub async fn book_of(ledger: &dyn Ledger, name: &str) -> Result<Book, LedgerError> {
    let kept = ledger.noted(&book_key(name)).await?;
    // One that a newer version wrote otherwise: what is open is told once more.
    Ok(kept
        .and_then(|kept| serde_json::from_str(&kept).ok())
        .unwrap_or_default())
}

pub(crate) async fn watch(world: World, shared: Arc<Shared>, stop: CancellationToken) {
    if world.alerts.channels.is_empty() {
        return;
    }
    let mut round = Round::new(world, shared);
    loop {
        let go = async {
            round.go().await;
            tokio::time::sleep(ROUND).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = go => {}
        }
    }
}

/// What is known of one channel, in the order of [`Alerts::channels`].
#[derive(Default)]
struct Told {
    book: Book,
    /// As it is in the ledger.
    kept: String,
    failures: u32,
    /// It is not tried before.
    again: Option<Instant>,
}

struct Round {
    world: World,
    shared: Arc<Shared>,
    /// `None`: this process does not tell, or has not read yet what was told.
    told: Option<Vec<Told>>,
    ledger_fails: Since,
    clock_fails: Since,
    dry: BTreeMap<AccountName, Date>,
    /// When that was asked, and of which campaign.
    asked: Option<(Instant, Arc<Campaign>)>,
}

/// Since when something has been so without a break.
#[derive(Default)]
struct Since(Option<Instant>);

impl Since {
    fn is_so_for(&mut self, so: bool, long: Duration) -> bool {
        self.0 = so.then(|| self.0.unwrap_or_else(Instant::now));
        self.0.is_some_and(|since| since.elapsed() >= long)
    }
}

impl Round {
    fn new(world: World, shared: Arc<Shared>) -> Self {
        Self {
            world,
            shared,
            told: None,
            ledger_fails: Since::default(),
            clock_fails: Since::default(),
            dry: BTreeMap::new(),
            asked: None,
        }
    }

    async fn go(&mut self) {
        // Of several replicas one tells. Another takes over with what the ledger knows.
        if !self.shared.leads.load(Ordering::Acquire) {
            self.told = None;
            return;
        }
        if self.told.is_none() {
            self.told = self.read().await;
        }
        let Some(mut told) = self.told.take() else { return };
        let look = self.look(&told).await;
        self.tell(&look, &mut told).await;
        self.told = Some(told);
    }

    async fn read(&self) -> Option<Vec<Told>> {
        let mut all = Vec::new();
        for addressee in &self.world.alerts.channels {
            let read = book_of(&*self.world.ledger, &addressee.name);
            let book = tokio::time::timeout(PATIENCE, read).await.ok()?.ok()?;
            all.push(Told {
                kept: written(&book),
                book,
                ..Told::default()
            });
        }
        Some(all)
    }

    /// How things stand.
    async fn look(&mut self, told: &[Told]) -> Look {
        let known = told.iter().flat_map(|told| &told.book.known);
        let open: BTreeSet<PostId> = known
            .filter(|(_, known)| known.is_open())
            .filter_map(|(key, _)| post_of(key))
            .collect();
        let campaign = self.shared.campaign();
        let read = async {
            self.ask_the_plan(&campaign).await?;
            let (ledger, now) = (&*self.world.ledger, self.world.clock.now());
            let accounts = &self.world.alerts.accounts;
            look(ledger, &campaign, accounts, &self.dry, &open, now).await
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        let read = read.unwrap_or_else(|_| Err(LedgerError::Broken("it does not answer".to_owned())));
        let takes_nothing = self.shared.ledger_fails.load(Ordering::Acquire);
        let (mut look, failed) = match read {
            Ok(look) if takes_nothing => (look, Some("the log says why".to_owned())),
            Ok(look) => (look, None),
            Err(e) => (blind(), Some(e.to_string())),
        };
        let long = self.ledger_fails.is_so_for(failed.is_some(), LEDGER);
        settle(&mut look, Kind::Ledger, failed.map(|why| of_ledger(&why)), long);
        let why = self.shared.time.look();
        let long = self.clock_fails.is_so_for(why.is_some(), CLOCK);
        settle(
            &mut look,
            Kind::Clock,
            why.map(|why| of_clock(&why.to_string())),
            long,
        );
        look
    }

    /// Whether a queue is about to run dry: only the plan can tell, and it takes a while.
    async fn ask_the_plan(&mut self, campaign: &Arc<Campaign>) -> Result<(), LedgerError> {
        let fresh = self
            .asked
            .as_ref()
            .is_some_and(|(at, of)| Arc::ptr_eq(of, campaign) && at.elapsed() < PLANS);
        if fresh {
            return Ok(());
        }
        let now = self.world.clock.now();
        let past = past_of(&*self.world.ledger, campaign, now).await?;
        let (of, roster, late) = (
            Arc::clone(campaign),
            Arc::clone(&self.world.roster),
            self.world.late,
        );
        let asked = tokio::task::spawn_blocking(move || dry_days(&of, &roster, &past, late, now)).await;
        self.dry = asked.unwrap_or_default();
        self.asked = Some((Instant::now(), Arc::clone(campaign)));
        Ok(())
    }

    /// Tells each channel what is news to it, all at the same time.
    async fn tell(&self, look: &Look, told: &mut [Told]) {
        let campaign = self.shared.campaign();
        let (name, zone) = (campaign.settings.name.as_str(), &campaign.settings.zone);
        let channels = self.world.alerts.channels.iter().zip(told.iter_mut());
        let telling = channels.map(|(addressee, told)| async {
            let (terms, now) = (&addressee.terms, self.world.clock.now());
            told.book.see(look, terms, now);
            let news = told.book.news(terms, now);
            let waits = told.again.is_some_and(|again| again > Instant::now());
            if !news.is_empty() && !waits {
                let said = said(name, &told.book, &news, zone);
                if self.say(addressee, told, &said).await {
                    told.book.told(&news, now);
                }
            }
            self.keep(addressee, told).await;
        });
        join_all(telling).await;
    }

    async fn say(&self, addressee: &Addressee, told: &mut Told, said: &Said) -> bool {
        let (alert, new, solved) = (addressee.name.as_str(), said.new.len(), said.solved.len());
        match addressee.channel.tell(said).await {
            Ok(()) => {
                (told.failures, told.again) = (0, None);
                tracing::info!(
                    event = "alert.sent",
                    alert,
                    new,
                    solved,
                    "told {alert}: {}",
                    said.subject
                );
                true
            }
            Err(why) => {
                let wait = FIRST_WAIT
                    .saturating_mul(1 << told.failures.min(10))
                    .min(LONGEST_WAIT);
                told.failures = told.failures.saturating_add(1);
                told.again = Instant::now().checked_add(wait);
                tracing::warn!(
                    event = "alert.failed",
                    alert,
                    new,
                    solved,
                    error = why,
                    "{alert} could not be told: {why}; again in {} minutes",
                    wait.as_secs() / 60
                );
                false
            }
        }
    }

    /// What cannot be kept now is kept as soon as the ledger takes it.
    async fn keep(&self, addressee: &Addressee, told: &mut Told) {
        let book = written(&told.book);
        if book == told.kept {
            return;
        }
        let key = book_key(&addressee.name);
        let noted = tokio::time::timeout(PATIENCE, self.world.ledger.note(&key, &book)).await;
        if noted.is_ok_and(|noted| noted.is_ok()) {
            told.kept = book;
        }
    }
}

/// The ledger can't be read: nobody knows anything of the rest.
fn blind() -> Look {
    Look {
        conditions: Vec::new(),
        unseen: Kind::ALL.iter().map(|(_, kind)| *kind).collect(),
    }
}

/// Puts in what has been so for `long` enough; until then it counts as not looked at.
fn settle(look: &mut Look, kind: Kind, condition: Option<Condition>, long: bool) {
    look.unseen.remove(&kind);
    match condition {
        Some(condition) if long => look.conditions.push(condition),
        Some(_) => drop(look.unseen.insert(kind)),
        None => {}
    }
}

fn written(book: &Book) -> String {
    serde_json::to_string(book).unwrap_or_default()
}
