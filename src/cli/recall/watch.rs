//! Watches a recall until it is done, and carries it out where no daemon is running.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::campaign::Campaign;
use crate::ledger::{Hold, Ledger, Post};
use crate::post::identity::PostId;
use crate::post::state::State;

use super::super::post::send_ourselves;
use super::super::{Failed, Files, Office, complain, table};
use crate::desk::recall::ask::Act;

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// The longest that we carry it out ourselves: platforms let no more than some thirty posts be deleted in half an
/// hour.
const MOST: Duration = Duration::from_hours(24 * 7);

pub(super) struct Watched<'a> {
    pub office: &'a Office,
    pub ledger: &'a dyn Ledger,
    /// The posts that are recalled.
    pub of: &'a [PostId],
    /// Their deletions or corrections.
    pub recalls: &'a [PostId],
    pub act: &'a Act,
}

/// How far it is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    done: usize,
    /// Of those that are left, what goes on by itself.
    moving: usize,
    /// Which account waits until when, because its platform said so.
    waits: BTreeSet<(String, Timestamp)>,
}

impl Watched<'_> {
    /// Comes back when nothing more happens by itself, or somebody has had enough of watching: the same command
    /// goes on.
    pub async fn until_done(&self, files: Files, campaign: &Campaign) -> Result<(), Failed> {
        if self.progress().await?.moving == 0 {
            return Ok(());
        }
        let daemon = !self.ledger.daemons().await?.is_empty();
        if daemon {
            tokio::select! {
                done = self.watch(campaign, true) => done,
                _ = tokio::signal::ctrl_c() => {
                    complain("no longer watched: the daemon goes on, and the same command watches again");
                    Ok(())
                }
            }
        } else {
            let stop = CancellationToken::new();
            let sending = send_ourselves(
                self.office,
                files,
                Campaign::clone(campaign),
                self.recalls,
                MOST,
                stop.clone(),
            );
            let watching = async {
                let watched = tokio::select! {
                    done = self.watch(campaign, false) => done,
                    _ = tokio::signal::ctrl_c() => {
                        complain("stopping: what is on its way may finish; the same command goes on");
                        Ok(())
                    }
                    () = stop.cancelled() => Ok(()),
                };
                stop.cancel();
                watched
            };
            let sending = async {
                let sent = sending.await;
                stop.cancel();
                sent
            };
            let (sent, watched) = tokio::join!(sending, watching);
            sent.and(watched)
        }
    }

    /// Says how far it is, whenever that changes, until nothing moves.
    async fn watch(&self, campaign: &Campaign, daemon: bool) -> Result<(), Failed> {
        let mut before = None;
        loop {
            let progress = self.progress().await?;
            let moving = progress.moving > 0;
            if before.as_ref() != Some(&progress) {
                self.say(&progress, campaign);
                before = Some(progress);
            }
            if !moving {
                return Ok(());
            }
            if daemon && self.ledger.daemons().await?.is_empty() {
                complain("the daemon has stopped: the same command goes on, and so does the next daemon");
                return Ok(());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn say(&self, progress: &Progress, campaign: &Campaign) {
        let zone = &campaign.settings.zone;
        let wait = |(account, until): &(String, Timestamp)| {
            let until = table::local(*until, zone);
            format!("; {account} waits until {until}, as its platform asked")
        };
        let waits = progress.waits.iter().map(wait).collect::<Vec<_>>().concat();
        complain(&format!(
            "{} of {} {}{waits}",
            progress.done,
            self.recalls.len(),
            self.act.done()
        ));
    }

    async fn progress(&self) -> Result<Progress, Failed> {
        let holds = self.office.holds(Some(self.ledger)).await?;
        let waits = self.ledger.waits().await?;
        let now = self.office.clock.now();
        let wanted: HashSet<&PostId> = self.recalls.iter().collect();
        let mut progress = Progress::default();
        for post in self.ledger.recalls(self.of).await? {
            if !wanted.contains(&post.id) {
                continue;
            }
            if post.standing.state == State::Sent {
                progress.done = progress.done.saturating_add(1);
            } else if is_moving(&post, &holds) {
                progress.moving = progress.moving.saturating_add(1);
                if let Some(until) = waits.get(&post.account).filter(|until| **until > now) {
                    progress.waits.insert((post.account.to_string(), *until));
                }
            }
        }
        Ok(progress)
    }
}

/// Whether it goes on by itself.
fn is_moving(post: &Post, holds: &[Hold]) -> bool {
    match post.standing.state {
        State::Sending => true,
        State::Due | State::Retrying | State::InDoubt => !holds.iter().any(|hold| hold.stops(post)),
        State::Held | State::Sent | State::Rejected | State::Skipped => false,
    }
}
