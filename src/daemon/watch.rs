//! The message files while the daemon runs: a changed file is read, the others are not.

mod ahead;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::calendar::civil::local;
use crate::calendar::past::Past;
use crate::calendar::plan::vanished::{Vanished, may_have_vanished, vanished};
use crate::campaign::assemble::Assembled;
use crate::campaign::likeness::Lookalike;
use crate::campaign::problem::{Problem, Severity};
use crate::campaign::read::FileRead;
use crate::campaign::{Campaign, Roster};
use crate::clock::Clock;
use crate::folder::{Folder, assemble};
use crate::ledger::{BY_WATCH, Hold, Ledger, Scope};
use crate::post::identity::MessageId;

use super::lookalike::{hold_new, lookalikes};

/// An editor has finished when nothing happened for so long. Short, because a `hold` in a file must stop
/// everything within a second; a file that was still half-written is held until its other half is there.
const QUIET: Duration = Duration::from_millis(250);
/// But no longer than this, however busy the folder is.
const AT_MOST: Duration = Duration::from_millis(700);
/// Events can be lost, and some file systems have none (reliability F19).
pub const RESCAN: Duration = Duration::from_mins(1);
/// How soon it is noticed that a person has said something about messages that are gone.
const ANSWER: Duration = Duration::from_secs(1);
/// How long after the files changed the days to come are looked at: nobody waits for it, and at the start there is
/// more to do.
const AHEAD: Duration = Duration::from_secs(2);
/// More problems than these are counted, not listed, in the log.
const LISTED: usize = 50;

/// What it takes to watch.
pub struct Watch {
    pub folder: Folder,
    pub roster: Roster,
    pub clock: Arc<dyn Clock>,
    /// Where a changed campaign is told.
    pub campaigns: watch::Sender<Arc<Campaign>>,
    /// Where it is told what was read, right before.
    pub taken: watch::Sender<Taken>,
    pub ledger: Arc<dyn Ledger>,
    /// How late a post may be where its message does not say.
    pub late: Duration,
    /// Rung by a signal.
    pub rescan: Arc<Notify>,
    /// Rung after each look, for those who asked for one.
    pub looked: Arc<Notify>,
    /// How often the folder is looked at, whether or not anything was told: [`RESCAN`].
    pub every: Duration,
    /// The folder itself could not be read at the last look.
    pub lost: bool,
    pub missing: Missing,
    /// The ledger could not say which messages look like one that is gone.
    pub unasked: bool,
}

/// What was last read of the files.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    pub files: Vec<Arc<FileRead>>,
    pub problems: Arc<Vec<Problem>>,
}

/// Says which messages look like one that is gone, but for those that were held `before`.
pub fn say_lookalikes(found: &BTreeMap<MessageId, Lookalike>, before: Option<&Campaign>) {
    for (id, lookalike) in found {
        if before.is_none_or(|before| !before.blocked.contains_key(id)) {
            let (like, percent, help) = (&lookalike.of, lookalike.percent, lookalike.help());
            warn!(event = "message.lookalike", message_id = %id, %like, percent, help,
                "{id} is not sent: it looks like {like} under another id, which is gone and was just posted ({percent} % equal text); {help}");
        }
    }
}

/// Whether so many messages are gone from the files at once that a person is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Nothing,
    /// The hold that asks could not be recorded yet.
    Unsaid,
    /// Everything is held until they are back or somebody releases it.
    Asked,
    /// Somebody has.
    Meant,
}

impl Watch {
    /// Watches until `stop`. `first` is what was read at the start.
    pub async fn run(mut self, first: Assembled, stop: CancellationToken) {
        let mut said = HashSet::new();
        self.say(&first, None, &mut said).await;
        let (told, mut changes) = mpsc::channel(1);
        // Kept alive as long as we watch.
        let _watcher = self.watcher(told);
        // What changed between the first reading and now, nobody has told.
        self.rescan.notify_one();
        let mut day = self.today();
        let (mut ahead, mut told) = (true, HashSet::new());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(()) = changes.recv() => settle_down(&mut changes).await,
                () = self.rescan.notified() => {}
                () = tokio::time::sleep(AHEAD), if ahead => {
                    ahead = !self.tell_ahead(&mut told).await;
                    continue;
                }
                () = tokio::time::sleep(ANSWER), if self.unasked || self.missing != Missing::Nothing => {}
                () = tokio::time::sleep(self.every) => {}
            }
            let today = self.today();
            let new_day = std::mem::replace(&mut day, today) != today;
            ahead |= self.look(new_day, &mut said).await;
            self.looked.notify_waiters();
        }
    }

    /// Facts run out with the campaign's own day.
    fn today(&self) -> jiff::civil::Date {
        local(&self.campaigns.borrow().settings.zone, self.clock.now()).date()
    }

    fn watcher(&self, told: mpsc::Sender<()>) -> Option<RecommendedWatcher> {
        let watch = || {
            let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Reading a file is an event too, and ours alone: only changes count.
                if event.is_ok_and(|event| !event.kind.is_access()) {
                    // A full channel means that a look is due already.
                    let _ = told.try_send(());
                }
            })?;
            watcher.watch(self.folder.path(), RecursiveMode::Recursive)?;
            Ok::<_, notify::Error>(watcher)
        };
        watch()
            .inspect_err(|e| {
                warn!(event = "campaign.unwatched", error = %e, "changes in the message files are seen once a minute only: {e}");
            })
            .ok()
    }

    /// Reads what changed. Returns whether there is a new campaign.
    async fn look(&mut self, new_day: bool, said: &mut HashSet<String>) -> bool {
        // Reading files blocks, and a slow disk must not hold up what is due.
        let before = self.campaigns.borrow().clone();
        let scan = match tokio::task::block_in_place(|| self.folder.scan()) {
            Ok(scan) => scan,
            Err(gone) => {
                if !std::mem::replace(&mut self.lost, true) {
                    let why = gone.to_string();
                    warn!(event = "campaign.invalid", why, "nothing is sent: {why}");
                    self.campaigns.send_replace(Arc::new(held_back(&before, &why)));
                }
                return false;
            }
        };
        if scan.unsettled {
            let rescan = Arc::clone(&self.rescan);
            tokio::spawn(async move {
                tokio::time::sleep(QUIET).await;
                rescan.notify_one();
            });
        }
        let returned = std::mem::take(&mut self.lost);
        let unasked = std::mem::take(&mut self.unasked);
        if !scan.any() && !new_day && !returned && !unasked && !self.is_answered().await {
            return false;
        }
        let assembled = tokio::task::block_in_place(|| {
            assemble(&scan.files, &self.roster, self.clock.now(), &self.folder)
        });
        self.say(&assembled, Some(scan.read), said).await;
        self.taken.send_replace(Taken {
            files: scan.files,
            problems: Arc::clone(&assembled.problems),
        });
        let next = match assembled.campaign {
            Ok(campaign) if campaign.settings.id != before.settings.id => {
                let why = format!(
                    "the campaign's id was changed from `{}` to `{}`: it never changes; put it back",
                    before.settings.id, campaign.settings.id
                );
                warn!(event = "campaign.invalid", why, "nothing is sent: {why}");
                held_back(&before, &why)
            }
            Ok(campaign) => {
                let campaign = self.unless_vanished(&before, campaign).await;
                self.unless_renamed(&before, campaign).await
            }
            // Without a campaign table nobody knows who speaks: the last one stays, and all is held.
            Err(why) => held_back(&before, &why),
        };
        self.campaigns.send_replace(Arc::new(next));
        true
    }

    /// The campaign as the files have it now; or the one before, with everything held, where too much of it is gone.
    async fn unless_vanished(&mut self, before: &Campaign, campaign: Campaign) -> Campaign {
        let now = self.clock.now();
        let vanished = if may_have_vanished(before, &campaign) {
            let past = Past {
                recorded: self.ledger.recorded().await.unwrap_or_default(),
                ..Past::default()
            };
            vanished(before, &campaign, &self.roster, &past, now)
        } else {
            None
        };
        let (Some(Vanished { gone, of }), false) = (vanished, self.missing == Missing::Meant) else {
            if self.missing == Missing::Asked {
                let why = Some("the messages are back");
                let released = self
                    .ledger
                    .release(&Scope::All, BY_WATCH, Some(BY_WATCH), why, now);
                if let Err(e) = released.await.and(self.ledger.ring().await) {
                    warn!(event = "ledger.failed", error = %e, "the messages are back, and the hold can't be released: {e}");
                }
            }
            self.missing = Missing::Nothing;
            return campaign;
        };
        let why = format!(
            "{gone} of {of} messages that were still to go out are gone from the files at once; put them back, or, if that is meant, `steadfast release`"
        );
        if self.missing == Missing::Nothing {
            warn!(event = "campaign.vanished", gone, of, "nothing is sent: {why}");
            self.missing = Missing::Unsaid;
        }
        self.ask(&why).await;
        held_back(before, &why)
    }

    /// The campaign with those of its messages held that look like one that is gone. Where the ledger can't be read, all
    /// that is new is held until it can.
    async fn unless_renamed(&mut self, before: &Campaign, campaign: Campaign) -> Campaign {
        let now = self.clock.now();
        match lookalikes(&*self.ledger, &campaign, &self.roster, now).await {
            Ok(found) => {
                say_lookalikes(&found, Some(before));
                campaign.without(&found)
            }
            Err(e) => {
                warn!(event = "ledger.failed", error = %e, "nobody can tell whether new messages were posted under another id, so they are held: {e}");
                self.unasked = true;
                hold_new(campaign, before)
            }
        }
    }

    /// Holds everything until a person has said.
    async fn ask(&mut self, why: &str) {
        if self.missing == Missing::Asked {
            return;
        }
        let held = self.ledger.hold(&Scope::All, why, BY_WATCH, self.clock.now());
        match held.await.and(self.ledger.ring().await) {
            Ok(_) => self.missing = Missing::Asked,
            Err(e) => {
                warn!(event = "ledger.failed", error = %e, "messages are gone, and that can't be asked about yet: {e}");
            }
        }
    }

    /// Whether somebody has released what asked about missing messages: then they are meant to be gone. Where it
    /// could not be asked, the files are looked at again.
    async fn is_answered(&mut self) -> bool {
        match self.missing {
            Missing::Nothing | Missing::Meant => false,
            Missing::Unsaid => true,
            Missing::Asked => {
                let asks = |hold: &Hold| hold.by == BY_WATCH && hold.released.is_none();
                let answered = self
                    .ledger
                    .holds()
                    .await
                    .is_ok_and(|holds| !holds.iter().any(asks));
                if answered {
                    self.missing = Missing::Meant;
                }
                answered
            }
        }
    }

    /// Logs what is new. `read` is how many files it took; at the start, all.
    async fn say(&self, assembled: &Assembled, read: Option<usize>, said: &mut HashSet<String>) {
        let problems = &assembled.problems;
        let new: Vec<&Problem> = problems
            .iter()
            .filter(|p| p.severity == Severity::Error && !said.contains(&key(p)))
            .collect();
        for problem in new.iter().take(LISTED) {
            let (file, line, code, help) = (
                &problem.place.file,
                problem.place.line,
                problem.code,
                &problem.help,
            );
            warn!(event = "campaign.invalid", file = %file, line, code, help, "{file}, line {line}: {}", problem.message);
        }
        if new.len() > LISTED {
            warn!(
                event = "campaign.invalid",
                "and {} more problems: `steadfast check`",
                new.len() - LISTED
            );
        }
        *said = problems.iter().map(key).collect();
        match &assembled.campaign {
            Ok(campaign) => {
                let (messages, count) = (campaign.messages.len(), problems.len());
                info!(
                    event = "campaign.loaded",
                    messages,
                    problems = count,
                    read,
                    "{}: read; messages: {messages}, problems: {count}",
                    campaign.settings.name
                );
            }
            Err(why) => warn!(event = "campaign.invalid", why, "nothing is sent: {why}"),
        }
        let now = self.clock.now().to_string();
        if let Err(e) = self.ledger.note("loaded", &now).await {
            warn!(event = "ledger.failed", error = %e, "{e}");
        }
    }
}

fn key(problem: &Problem) -> String {
    format!("{}:{}:{}", problem.place.file, problem.code, problem.message)
}

/// The campaign as it was, with every message held.
fn held_back(before: &Campaign, why: &str) -> Campaign {
    let mut campaign = before.clone();
    for message in &before.messages {
        campaign.blocked.insert(message.id.clone(), why.to_owned());
        campaign
            .broken_files
            .insert(Arc::clone(&message.place.file), why.to_owned());
    }
    campaign
}

/// Waits until nothing has happened for a moment.
async fn settle_down(changes: &mut mpsc::Receiver<()>) {
    let quiet = async { while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {} };
    drop(tokio::time::timeout(AT_MOST, quiet).await);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::clock::SystemClock;
    use crate::ledger::sqlite::Sqlite;

    fn campaign(folder: &Path, id: &str) {
        let settings =
            "[campaign]\nid = \"c\"\nname = \"C\"\ntimezone = \"America/Chicago\"\nlanguage = \"en\"\n";
        let message = format!("[[message]]\nid = \"{id}\"\ntext = \"words\"\n");
        fs::create_dir(folder).unwrap();
        fs::write(folder.join("campaign.toml"), format!("{settings}{message}")).unwrap();
    }

    /// The folder is a link that is turned elsewhere, as some systems bring new files: whoever watches the old one
    /// is told nothing.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn f19_what_no_watch_tells_is_seen_at_the_next_look() {
        let outer = tempfile::tempdir().unwrap();
        let (old, new, link) = (
            outer.path().join("old"),
            outer.path().join("new"),
            outer.path().join("messages"),
        );
        campaign(&old, "before");
        campaign(&new, "after");
        symlink(&old, &link).unwrap();
        let ledger = Sqlite::create(&outer.path().join("state/steadfast.db"))
            .await
            .unwrap();
        let mut folder = Folder::open(&link).unwrap();
        let roster = Roster::default();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let scan = folder.scan().unwrap();
        let first = assemble(&scan.files, &roster, clock.now(), &folder);
        let (campaigns, mut latest) = watch::channel(Arc::new(first.campaign.clone().unwrap()));
        let watching = Watch {
            taken: watch::Sender::default(),
            folder,
            roster,
            clock,
            campaigns,
            ledger: Arc::new(ledger),
            late: Duration::ZERO,
            rescan: Arc::default(),
            looked: Arc::default(),
            every: Duration::from_secs(1),
            lost: false,
            missing: Missing::Nothing,
            unasked: false,
        };
        let stop = CancellationToken::new();
        let running = tokio::spawn(watching.run(first, stop.clone()));
        // The first look is over.
        tokio::time::sleep(Duration::from_millis(500)).await;
        fs::remove_file(&link).unwrap();
        symlink(&new, &link).unwrap();
        let seen = tokio::time::timeout(Duration::from_secs(10), latest.changed()).await;
        seen.unwrap().unwrap();
        assert_eq!(latest.borrow().messages[0].id.as_str(), "after");
        stop.cancel();
        running.await.unwrap();
    }
}
