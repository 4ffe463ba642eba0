//! The files changed: what is recorded and of which certainly nothing was accepted follows them.

use crate::campaign::Campaign;
use crate::campaign::message::When;
use crate::campaign::render::render;
use crate::campaign::variants;
use crate::ledger::{Change, Conclusion, LedgerError, Post};
use crate::post::identity::PostId;
use crate::post::step::{Action, Event, Word, step};
use crate::text::limits::Doubt;

use jiff::Timestamp;

use super::super::deliver::terms_of;
use super::super::until;
use super::{LEAD, PAGE, Planner, instant};

/// What becomes of one recorded post.
enum Follow {
    Same,
    Change(Box<Change>),
    Unplan(&'static str),
}

impl Planner {
    /// The files changed: what is recorded and of which nothing was ever sent follows them. One page of it;
    /// returns after which post to go on, if there are more.
    pub(super) async fn refresh(&mut self, after: PostId) -> Result<Option<PostId>, LedgerError> {
        let campaign = self.shared.campaign();
        let now = self.world.clock.now();
        let (mut reworded, mut unplanned) = (Vec::new(), Vec::new());
        let page = self.world.ledger.waiting(Some(after), PAGE).await?;
        let more = u32::try_from(page.len()).is_ok_and(|read| read == PAGE);
        let last = page.last().map(|post| post.id).filter(|_| more);
        for post in page {
            let out = post.standing.part > 0 || post.standing.doubted();
            // A recall says what a person said, whatever becomes of the message.
            if out || post.is_recall() || campaign.broken_files.contains_key(post.file.as_str()) {
                continue;
            }
            match self.follow(&campaign, &post, now) {
                Follow::Same => {}
                Follow::Change(change) => reworded.push(*change),
                Follow::Unplan(why) => {
                    let (message, account) = (&post.message, &post.account);
                    tracing::info!(event = "post.unplanned", post = %post.id, message_id = %message, %account, why, "{message} is not sent to {account} now: {why}");
                    if post.attempts == 0 {
                        unplanned.push(post.id);
                    } else {
                        self.skip(&post, why, now).await?;
                    }
                }
            }
        }
        if !reworded.is_empty() {
            self.world.ledger.reword(reworded, now).await?;
            self.shared.look.notify_one();
        }
        if !unplanned.is_empty() {
            for post in &unplanned {
                self.past.recorded.remove(post);
            }
            self.world.ledger.unplan(unplanned, now).await?;
        }
        Ok(last)
    }

    /// It was tried before, so it is kept, and ends.
    async fn skip(&self, post: &Post, why: &str, now: Timestamp) -> Result<(), LedgerError> {
        let word = Event::Told(Word::Skip { why: why.to_owned() });
        let terms = terms_of(post, Doubt::Ask);
        let Ok(next) = step(&post.standing, &terms, word, now, self.world.clock.dice()) else {
            return Ok(());
        };
        let Action::Rest(rest) = next.action else {
            return Ok(());
        };
        let conclusion = Conclusion::of(post, next.standing, rest, now);
        self.world.ledger.conclude(conclusion).await.map(drop)
    }

    fn follow(&self, campaign: &Campaign, post: &Post, now: Timestamp) -> Follow {
        let Some(message) = campaign
            .messages
            .iter()
            .find(|message| message.id == post.message)
        else {
            // One that can't be understood any more is blocked, not gone.
            let blocked = campaign.blocked.contains_key(&post.message);
            return if blocked {
                Follow::Same
            } else {
                Follow::Unplan("it is no longer in the files")
            };
        };
        // What a person asked for with `post` has no time of its own.
        let planned = !post.occurrence.is_asked();
        if message.draft {
            return Follow::Unplan("it is a draft again");
        }
        let accounts = &self.world.roster.accounts;
        let Some(index) = accounts.iter().position(|account| account.name == post.account) else {
            return Follow::Same;
        };
        if campaign.binds(&post.occurrence) && !self.world.roster.target_indexes(&message.to).contains(&index)
        {
            return Follow::Unplan("it no longer goes to this account");
        }
        let Some(account) = accounts.get(index) else {
            return Follow::Same;
        };
        // By a clock that is behind, every time is still to come; but one that was not moved is none after `due`.
        let later = |at: &Timestamp| until(*at, now) > LEAD && *at > post.due;
        let moved = match message.when {
            When::At(local) if planned => instant(campaign, local).filter(later),
            _ => None,
        };
        if moved.is_some() && post.attempts == 0 {
            return Follow::Unplan("its time was moved");
        }
        // Words that can't be made any more are a problem, and block the message.
        let nth = variants::same(campaign, message, account, post.content.variant.as_ref());
        let Ok(content) = render(campaign, message, account, moved.unwrap_or(post.due), nth) else {
            return Follow::Same;
        };
        let change = Change {
            post: post.id,
            content,
            late: message.late.unwrap_or(self.world.late),
            expires: message.expires.and_then(|expires| instant(campaign, expires)),
            moved,
        };
        let same =
            change.content == post.content && change.late == post.late && change.expires == post.expires;
        if same && moved.is_none() {
            Follow::Same
        } else {
            Follow::Change(Box::new(change))
        }
    }
}
