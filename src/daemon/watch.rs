//! The message files while the daemon runs: a changed file is read, the others are not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::calendar::civil::local;
use crate::campaign::assemble::{Assembled, assemble};
use crate::campaign::problem::{Problem, Severity};
use crate::campaign::{Campaign, Roster};
use crate::clock::Clock;
use crate::folder::Folder;
use crate::ledger::Ledger;

/// An editor has finished when nothing happened for so long. Short, because a `hold` in a file must stop
/// everything within a second; a file that was still half-written is held until its other half is there.
const QUIET: Duration = Duration::from_millis(250);
/// But no longer than this, however busy the folder is.
const AT_MOST: Duration = Duration::from_millis(700);
/// Events can be lost, and some file systems have none (reliability F19).
const RESCAN: Duration = Duration::from_mins(1);
/// More problems than these are counted, not listed, in the log.
const LISTED: usize = 50;

/// What it takes to watch.
pub struct Watch {
    pub folder: Folder,
    pub roster: Roster,
    pub clock: Arc<dyn Clock>,
    /// Where a changed campaign is told.
    pub campaigns: watch::Sender<Arc<Campaign>>,
    pub ledger: Arc<dyn Ledger>,
    /// Rung by a signal.
    pub rescan: Arc<Notify>,
    /// The folder itself could not be read at the last look.
    pub lost: bool,
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
        // What changed between the first look and the watcher's first moment nobody told us.
        self.look(false, &mut said).await;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(()) = changes.recv() => settle_down(&mut changes).await,
                () = self.rescan.notified() => {}
                () = tokio::time::sleep(RESCAN) => {}
            }
            let today = self.today();
            let new_day = std::mem::replace(&mut day, today) != today;
            self.look(new_day, &mut said).await;
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

    async fn look(&mut self, new_day: bool, said: &mut HashSet<String>) {
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
                return;
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
        if !scan.any() && !new_day && !returned {
            return;
        }
        let assembled = tokio::task::block_in_place(|| {
            assemble(&scan.files, &self.roster, self.clock.now(), &self.folder)
        });
        self.say(&assembled, Some(scan.read), said).await;
        let next = match assembled.campaign {
            Ok(campaign) if campaign.settings.id != before.settings.id => {
                let why = format!(
                    "the campaign's id was changed from `{}` to `{}`: it never changes; put it back",
                    before.settings.id, campaign.settings.id
                );
                warn!(event = "campaign.invalid", why, "nothing is sent: {why}");
                held_back(&before, &why)
            }
            Ok(campaign) => campaign,
            // Without a campaign table nobody knows who speaks: the last one stays, and all is held.
            Err(why) => held_back(&before, &why),
        };
        self.campaigns.send_replace(Arc::new(next));
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
