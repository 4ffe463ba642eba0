//! What a recall asks for: for each published post a new one, or the reason why there can be none.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::campaign::Account;
use crate::campaign::Roster;
use crate::ledger::{NewPost, Post, Voice};
use crate::post::content::Content;
use crate::post::identity::{CampaignId, Identity, Occurrence};
use crate::post::outcome::Receipt;
use crate::post::state::State;
use crate::text::count::measure;

use super::found::Found;

/// A recall is never too late.
const EVER: Duration = Duration::from_hours(24 * 365 * 100);

/// What is to be done with each post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Delete,
    /// Answered with these words.
    Reply(String),
}

impl Act {
    /// `deleted`, `corrected`.
    pub fn done(&self) -> &'static str {
        match self {
            Act::Delete => "deleted",
            Act::Reply(_) => "corrected",
        }
    }
}

/// What this recall comes to for one published post.
pub enum Ask {
    /// It is new.
    New(Box<NewPost>),
    /// It was asked for before.
    Known(Box<Post>),
    /// There is nothing left to be done.
    Nothing,
    /// Nobody knows yet whether it is out, or how much of it.
    NotYet,
    /// This program can't: a person must, for this reason.
    ByHand(String),
}

pub struct Asking<'a> {
    pub campaign: &'a CampaignId,
    pub roster: &'a Roster,
    pub act: &'a Act,
    pub why: Option<&'a str>,
    /// Who asks.
    pub by: &'a str,
    pub now: Timestamp,
}

impl Asking<'_> {
    pub fn ask(&self, found: &Found) -> Ask {
        let post = &found.post;
        let occurrence = match self.act {
            Act::Delete => Occurrence::delete(post.id),
            Act::Reply(text) => Occurrence::correct(post.id, text),
        };
        if let Some(known) = found
            .recalls
            .iter()
            .find(|recall| recall.occurrence == occurrence)
        {
            return Ask::Known(Box::new(known.clone()));
        }
        if found.is_unsure() {
            return Ask::NotYet;
        }
        let receipts = found.receipts();
        let Some(first) = receipts.first().filter(|_| !found.is_deleted()) else {
            return Ask::Nothing;
        };
        let account = match self.able(post) {
            Ok(account) => account,
            Err(why) => return Ask::ByHand(why),
        };
        let content = self.content(post, first.clone(), receipts);
        Ask::New(Box::new(NewPost {
            identity: Identity {
                campaign: self.campaign.clone(),
                message: post.message.clone(),
                account: post.account.clone(),
                occurrence,
            },
            platform: account.platform,
            due: self.now,
            late: EVER,
            expires: None,
            recurring: false,
            breaking: true,
            slot: None,
            file: Arc::from(post.file.as_str()),
            content,
            state: State::Due,
            why: None,
            voice: Some(Voice {
                act: "recall",
                by: self.by.to_owned(),
            }),
        }))
    }

    fn content(&self, post: &Post, first: Receipt, receipts: Vec<Receipt>) -> Content {
        let why = self.why.map(str::to_owned);
        match self.act {
            Act::Delete => Content::deletion(&post.content, post.id, receipts, why),
            Act::Reply(text) => Content::correction(&post.content, post.id, first, text, why),
        }
    }

    /// The account, if it can do what is asked.
    fn able(&self, post: &Post) -> Result<&Account, String> {
        let account = self
            .roster
            .accounts
            .iter()
            .find(|account| account.name == post.account);
        let account =
            account.ok_or_else(|| format!("the account `{}` is not in the config any more", post.account))?;
        let name = account.like;
        match self.act {
            Act::Delete if !account.limits.delete => {
                Err(format!("nothing can be deleted on {name} by a program"))
            }
            Act::Reply(_) if !account.limits.abilities.reply => Err(format!("{name} has no replies")),
            _ => Ok(account),
        }
    }

    /// Why the words of a correction can't go out to the accounts of these posts, one sentence each. Said before
    /// anything is recorded: a correction that only some accounts can take is to be written anew.
    pub fn objections(&self, found: &[Found]) -> Vec<String> {
        let Act::Reply(text) = self.act else {
            return Vec::new();
        };
        let concerned = |account: &&Account| {
            let ours =
                |found: &Found| found.post.account == account.name && matches!(self.ask(found), Ask::New(_));
            found.iter().any(ours)
        };
        let objection = |account: &Account| {
            let limits = &account.limits;
            if limits.min_images > 0 {
                return Some(format!("{}: there are no posts without an image", account.name));
            }
            // A correction answers what it corrects.
            let objection = measure(limits.answering(true).rule(0, false), text, "").objection()?;
            Some(format!("{}: the text {objection}", account.name))
        };
        let accounts = self.roster.accounts.iter().filter(concerned);
        accounts.filter_map(objection).collect()
    }
}
