//! What a recall asks for: for each published post a new one, or the reason why there can be none.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::calendar::civil;
use crate::campaign::render::render;
use crate::campaign::{Account, Campaign, Roster, variants};
use crate::ledger::{NewPost, Post, Voice};
use crate::post::content::{Content, Part};
use crate::post::identity::{Identity, Occurrence};
use crate::post::state::State;
use crate::text::count::measure;
use crate::text::entities::first_link;
use crate::text::limits::Limits;
use crate::text::signs;

use super::found::Found;

/// A recall is never too late.
const EVER: Duration = Duration::from_hours(24 * 365 * 100);

/// What is to be done with each post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Delete,
    /// Answered with these words.
    Reply(String),
    /// Given the words that its message has now.
    Edit,
}

impl Act {
    /// `deleted`, `corrected`.
    pub fn done(&self) -> &'static str {
        match self {
            Act::Delete => "deleted",
            Act::Reply(_) => "corrected",
            Act::Edit => "edited",
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
    /// As it stands in the files; for an edit, with what is not approved blocked.
    pub campaign: &'a Campaign,
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
            Act::Edit => return self.ask_edit(found),
        };
        if let Some(known) = known(found, &occurrence) {
            return known;
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
        let why = self.why.map(str::to_owned);
        let content = match self.act {
            Act::Reply(text) => Content::correction(&post.content, post.id, first.clone(), text, why),
            _ => Content::deletion(&post.content, post.id, receipts, why),
        };
        self.new_post(post, account, occurrence, content)
    }

    /// The same for an edit. Where words are the same already, nothing is left to be done; the same words after others
    /// are asked for once more.
    fn ask_edit(&self, found: &Found) -> Ask {
        let post = &found.post;
        if found.is_unsure() {
            return Ask::NotYet;
        }
        if found.receipts().is_empty() || found.is_deleted() {
            return Ask::Nothing;
        }
        let wanted = self.account(post).and_then(|account| self.wanted(post, account));
        let content = match wanted {
            Ok(wanted) => wanted,
            Err(why) => return Ask::ByHand(why),
        };
        if content.parts == found.says().parts {
            return found
                .edited()
                .map_or(Ask::Nothing, |edit| Ask::Known(Box::new(edit.clone())));
        }
        let able = self
            .able(post)
            .and_then(|account| fits(found, &content, account).map(|()| account));
        let account = match able {
            Ok(account) => account,
            Err(why) => return Ask::ByHand(why),
        };
        let after = found.edited().map_or(post.id, |edit| edit.id);
        let texts = content.parts.iter().map(|part| &*part.text);
        let occurrence = Occurrence::edit(post.id, after, texts);
        if let Some(known) = known(found, &occurrence) {
            return known;
        }
        // Of two that go out at once nobody can tell which comes last.
        let moving = |recall: &Post| recall.content.is_edit() && !recall.standing.state.is_final();
        if found.recalls.iter().any(moving) {
            return Ask::ByHand(
                "an earlier edit of it is not done yet: wait for it, or `skip` it".to_owned(),
            );
        }
        let why = self.why.map(str::to_owned);
        let content = Content::edit(&post.content, content, post.id, found.receipts(), why);
        self.new_post(post, account, occurrence, content)
    }

    /// What the message of a post says now on its account.
    fn wanted(&self, post: &Post, account: &Account) -> Result<Content, String> {
        let campaign = self.campaign;
        if let Some(why) = campaign.blocked.get(&post.message) {
            return Err(format!("its message can't go out as it stands: {why}"));
        }
        let mut messages = campaign.messages.iter();
        let message = messages.find(|message| message.names().any(|name| *name == post.message));
        let message = message.ok_or("its message is not in the files any more")?;
        if message.draft {
            return Err("its message is a draft".to_owned());
        }
        let today = civil::local(&campaign.settings.zone, self.now).date();
        if let Some(why) = campaign.stale_fact(message, today) {
            return Err(why);
        }
        let nth = variants::same(campaign, message, account, post.content.variant.as_ref());
        // Days are counted as on the day when it went out.
        render(campaign, message, account, post.due, nth).map_err(|problem| problem.to_string())
    }

    fn new_post(&self, post: &Post, account: &Account, occurrence: Occurrence, content: Content) -> Ask {
        Ask::New(Box::new(NewPost {
            identity: Identity {
                campaign: self.campaign.settings.id.clone(),
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

    fn account(&self, post: &Post) -> Result<&Account, String> {
        let mut accounts = self.roster.accounts.iter();
        let account = accounts.find(|account| account.name == post.account);
        account.ok_or_else(|| format!("the account `{}` is not in the config any more", post.account))
    }

    /// The account, if it can do what is asked.
    fn able(&self, post: &Post) -> Result<&Account, String> {
        let account = self.account(post)?;
        let name = account.like;
        let limits = account.limits.answering(post.content.reply_to.is_some());
        match self.act {
            Act::Delete if !limits.delete => Err(format!("nothing can be deleted on {name} by a program")),
            Act::Edit if !limits.edits => Err(format!("what is out on {name} can't be edited")),
            Act::Reply(_) if !limits.abilities.reply => Err(format!("{name} has no replies")),
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
            // A correction answers what it corrects.
            let limits = account.limits.answering(true);
            if limits.min_images > 0 {
                return Some(format!("{}: there are no posts without an image", account.name));
            }
            let too_long = measure(limits.rule(0, false), text, "").objection();
            let objection = too_long.or_else(|| signs::objection(&limits, text))?;
            Some(format!("{}: the text {objection}", account.name))
        };
        let accounts = self.roster.accounts.iter().filter(concerned);
        accounts.filter_map(objection).collect()
    }
}

/// The same was asked before.
fn known(found: &Found, occurrence: &Occurrence) -> Option<Ask> {
    let known = found
        .recalls
        .iter()
        .find(|recall| recall.occurrence == *occurrence)?;
    Some(Ask::Known(Box::new(known.clone())))
}

/// Whether the post can be given these words in place.
fn fits(found: &Found, wanted: &Content, account: &Account) -> Result<(), String> {
    let limits = account.limits.answering(wanted.reply_to.is_some());
    match differs(found.says(), wanted, &limits).or_else(|| too_long(wanted, &limits)) {
        Some(why) => Err(why),
        None if found.receipts().len() != wanted.parts.len() => Err("not all of it is out".to_owned()),
        None => Ok(()),
    }
}

/// What another wording would change beside the words, if anything: that is for a new post.
fn differs(said: &Content, wanted: &Content, limits: &Limits) -> Option<String> {
    if said.share.is_some() || wanted.share.is_some() {
        return Some("it shares another's post, and has no words of its own".to_owned());
    }
    if said.parts.len() != wanted.parts.len() {
        let (was, is) = (said.parts.len(), wanted.parts.len());
        return Some(format!(
            "it went out in {was} parts, and its message has {is} by now"
        ));
    }
    if said.warn != wanted.warn {
        return Some("the warning before it is another by now".to_owned());
    }
    let pairs = || said.parts.iter().zip(&wanted.parts);
    let of_card = |part: &Part| {
        let link = part.link.as_ref().map(|link| link.url.clone());
        link.or_else(|| first_link(&part.text))
    };
    let carded = |part: &Part| limits.abilities.card && !part.pictured();
    let what = if pairs().any(|(was, is)| was.images != is.images) {
        "the images beside it, or their descriptions, are others"
    } else if pairs().any(|(was, is)| was.video != is.video) {
        "the video beside it, or its description, is another"
    } else if pairs().any(|(was, is)| carded(was) && of_card(was) != of_card(is)) {
        "the card below it is of another link"
    } else {
        return None;
    };
    Some(format!("{what} by now, and only words can be changed"))
}

/// Its first part that the platform would not take.
fn too_long(wanted: &Content, limits: &Limits) -> Option<String> {
    let warn = wanted.warn.as_deref().unwrap_or_default();
    wanted.parts.iter().enumerate().find_map(|(index, part)| {
        let text = part.shown_text(limits.abilities);
        let objection = measure(limits.rule(index, part.pictured()), &text, warn).objection()?;
        Some(format!("part {} {objection}", index + 1))
    })
}
