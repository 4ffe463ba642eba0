//! What takes too long to be made for each page: the plan, the problems, what waits for approval. It is made when
//! somebody looks and something has changed, or a minute has passed, and then kept.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::calendar::plan::{View, plan};
use crate::campaign::assemble::Assembled;
use crate::campaign::message::Message;
use crate::campaign::problem::Problem;
use crate::campaign::{Account, Campaign};
use crate::daemon::spending::spending;
use crate::desk::agenda::{self, Row};
use crate::desk::check::{Known, older_translations};
use crate::desk::{Failed, Files, accounts, pending};
use crate::folder::Folder;

use super::Site;

/// How far ahead posts are planned: what a month's calendar shows, and its edges.
const AHEAD: SignedDuration = SignedDuration::from_hours(45 * 24);
/// How old it may be while nothing has changed.
const AGE: Duration = Duration::from_mins(1);

/// One look at everything.
pub(super) struct Overview {
    /// When it was made, by the machine's uptime.
    made: Duration,
    bell: i64,
    /// What it was made of.
    of: Arc<Campaign>,
    pub files: Files,
    /// The campaign with everything blocked that must not go out.
    pub campaign: Campaign,
    /// In the order of time, up to `until`.
    pub planned: Vec<Row>,
    pub until: Timestamp,
    /// Messages without a time, and why.
    pub timeless: Vec<Row>,
    /// As `check` says them, by place.
    pub problems: Vec<Problem>,
    pub pending: Vec<pending::Row>,
    pub accounts: Vec<accounts::Row>,
    /// The messages by their ids.
    messages: HashMap<String, Arc<Message>>,
}

impl Overview {
    pub fn message(&self, id: &str) -> Option<&Arc<Message>> {
        self.messages.get(id)
    }

    pub fn account(&self, name: &str) -> Option<&Account> {
        let mut accounts = self.files.roster.accounts.iter();
        accounts.find(|account| account.name.as_str() == name)
    }
}

/// The last look, and the right to make the next.
#[derive(Default)]
pub(super) struct Overviews {
    last: RwLock<Option<Arc<Overview>>>,
    making: Mutex<()>,
    /// What the files' history says, with the campaign that it is about. It is asked on its own, for it takes long.
    older: RwLock<Option<Older>>,
}

type Older = (Arc<Campaign>, Arc<Vec<Problem>>);

enum Worth {
    Fresh,
    /// It will do while the next is made.
    Old,
    No,
}

impl Overviews {
    fn last(&self) -> Option<Arc<Overview>> {
        self.last.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The look that will do now.
///
/// # Errors
/// If the ledger can't be read.
pub(super) async fn overview(site: &Arc<Site>) -> Result<Arc<Overview>, Failed> {
    let bell = site.pages.ledger.bell().await?;
    match site.overviews.last() {
        Some(last) => match worth(site, &last, bell) {
            Worth::Fresh => Ok(last),
            Worth::Old => {
                if let Ok(turn) = site.overviews.making.try_lock() {
                    drop(turn);
                    let site = Arc::clone(site);
                    tokio::spawn(async move { drop(make(&site, bell).await) });
                }
                Ok(last)
            }
            Worth::No => make(site, bell).await,
        },
        None => make(site, bell).await,
    }
}

fn worth(site: &Site, look: &Overview, bell: i64) -> Worth {
    let campaign = site.pages.campaign.borrow();
    if look.bell != bell || !Arc::ptr_eq(&look.of, &campaign) {
        return Worth::No;
    }
    let age = site.pages.office.clock.uptime().saturating_sub(look.made);
    if age > AGE { Worth::Old } else { Worth::Fresh }
}

/// Whoever asked may not wait for its end, but what is begun is kept.
async fn make(site: &Arc<Site>, bell: i64) -> Result<Arc<Overview>, Failed> {
    let site = Arc::clone(site);
    let made = tokio::spawn(async move { make_alone(&site, bell).await }).await;
    made.map_err(|_| Failed::Wrong("the plan could not be made".to_owned()))?
}

/// One at a time; who comes second gets what the first made.
async fn make_alone(site: &Arc<Site>, bell: i64) -> Result<Arc<Overview>, Failed> {
    let _turn = site.overviews.making.lock().await;
    if let Some(last) = site.overviews.last()
        && matches!(worth(site, &last, bell), Worth::Fresh)
    {
        return Ok(last);
    }
    let worker = Arc::clone(site);
    // It is work for the processor, and what is due must not wait behind it.
    let made =
        tokio::task::spawn_blocking(move || tokio::runtime::Handle::current().block_on(look(&worker, bell)));
    let made = made
        .await
        .map_err(|_| Failed::Wrong("the plan could not be made".to_owned()))?;
    let made = Arc::new(made?);
    let mut last = site
        .overviews
        .last
        .write()
        .unwrap_or_else(PoisonError::into_inner);
    *last = Some(Arc::clone(&made));
    Ok(made)
}

async fn look(site: &Arc<Site>, bell: i64) -> Result<Overview, Failed> {
    let pages = &site.pages;
    let (office, ledger) = (&pages.office, &*pages.ledger);
    let of = Arc::clone(&pages.campaign.borrow());
    let (read, found) = {
        let taken = pages.read.borrow();
        (taken.files.clone(), Arc::clone(&taken.problems))
    };
    let folder = Folder::open(&office.settings.messages).map_err(|gone| Failed::Wrong(gone.to_string()))?;
    let campaign: Campaign = (*of).clone();
    let files = Files {
        folder,
        roster: pages.roster.clone(),
        assembled: Assembled {
            campaign: Ok(campaign.clone()),
            problems: Arc::clone(&found),
        },
        read,
    };
    let mut problems = found.to_vec();
    let known = Known::of(office, &files, &campaign, Some(ledger)).await?;
    problems.extend(known.problems(office, &files, &campaign));
    problems.extend(older(site, &of).iter().cloned());
    problems.sort_by(|a, b| (&a.place, a.severity, a.code).cmp(&(&b.place, b.severity, b.code)));
    problems.dedup();
    let gated = campaign.clone().without(&known.alike);
    let gated = office.approved_only(&files, gated, Some(ledger)).await?;
    let view = View {
        campaign: &gated,
        roster: &files.roster,
        past: &known.past,
        late: office.settings.late,
    };
    let now = office.clock.now();
    let until = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    let plan = plan(&view, now, until);
    let tally = spending(ledger, &gated, &files.roster.accounts, now).await?;
    let mut planned = agenda::planned(&view, &plan, tally);
    agenda::sort(&mut planned);
    let timeless = agenda::timeless(&view, &plan);
    let pending = match office.settings.approval {
        None => Vec::new(),
        Some(_) => pending::rows(office, &files, Some(ledger)).await?,
    };
    Ok(Overview {
        made: office.clock.uptime(),
        bell,
        of,
        accounts: accounts::rows(office, Some(ledger)).await?,
        messages: gated
            .messages
            .iter()
            .map(|message| (message.id.to_string(), Arc::clone(message)))
            .collect(),
        campaign: gated,
        files,
        planned,
        until,
        timeless,
        problems,
        pending,
    })
}

/// What the files' history says of this campaign, as far as it is known by now.
fn older(site: &Arc<Site>, of: &Arc<Campaign>) -> Arc<Vec<Problem>> {
    let known = site
        .overviews
        .older
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some((campaign, found)) = known.filter(|(campaign, _)| Arc::ptr_eq(campaign, of)) {
        drop(campaign);
        return found;
    }
    let nothing: Arc<Vec<Problem>> = Arc::default();
    let keep = |site: &Site, of: Arc<Campaign>, found: Arc<Vec<Problem>>| {
        let mut older = site
            .overviews
            .older
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *older = Some((of, found));
    };
    keep(site, Arc::clone(of), Arc::clone(&nothing));
    let (site, of) = (Arc::clone(site), Arc::clone(of));
    tokio::task::spawn_blocking(move || {
        let Ok(folder) = Folder::open(&site.pages.office.settings.messages) else {
            return;
        };
        let taken = site.pages.read.borrow().clone();
        let files = Files {
            folder,
            roster: site.pages.roster.clone(),
            assembled: Assembled {
                campaign: Ok((*of).clone()),
                problems: taken.problems,
            },
            read: taken.files,
        };
        let found = older_translations(&site.pages.office, &files);
        if found.is_empty() {
            return;
        }
        keep(&site, of, Arc::new(found));
        // The next page has them.
        let mut last = site
            .overviews
            .last
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *last = None;
    });
    nothing
}
