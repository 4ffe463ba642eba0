//! A person's word on one post.

use crate::campaign::render::render;
use crate::campaign::variants;
use crate::ledger::{Change, Conclusion, Ledger, Post};
use crate::post::content::Content;
use crate::post::identity::{AccountName, MessageId, PostId};
use crate::post::state::State;
use crate::post::step::{Action, Event, Rest, Word, step};
use crate::text::limits::Doubt;

use super::{Failed, Office};

/// What a word did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub message: MessageId,
    pub account: AccountName,
    pub from: State,
    pub to: State,
}

/// `by` says `word` of a post, and the daemons' bell is rung.
///
/// # Errors
/// If there is no such post, the word makes no sense as it stands, or its message can't go out as the files have it
/// now.
pub async fn say(
    office: &Office,
    ledger: &dyn Ledger,
    id: PostId,
    word: Word,
    by: &str,
) -> Result<Said, Failed> {
    let mut post = ledger
        .post(id)
        .await?
        .ok_or_else(|| Failed::Wrong(format!("there is no post {id}; `steadfast history` lists them")))?;
    let (state, now) = (post.standing.state, office.clock.now());
    // A word needs no doubt's end: whoever speaks has looked.
    let terms = crate::daemon::deliver::terms_of(&post, Doubt::Ask);
    let next = step(
        &post.standing,
        &terms,
        Event::Told(word.clone()),
        now,
        office.clock.dice(),
    )
    .map_err(|_| Failed::Wrong(makes_no_sense(&word, state)))?;
    let rest = match next.action {
        Action::Rest(rest) => rest,
        _ => Rest::default(),
    };
    let to = next.standing;
    if to.state == State::Due && to.part == 0 && !post.is_recall() {
        let change = Change {
            post: id,
            content: as_of_now(office, ledger, &post).await?,
            late: post.late,
            expires: post.expires,
            moved: None,
        };
        ledger.reword(vec![change], now).await?;
        // What was decided holds for the post as it was read.
        post.fence = match ledger.post(id).await? {
            Some(now) if now.standing == post.standing => now.fence,
            _ => return Err(moved_on()),
        };
    }
    let conclusion = Conclusion::of(&post, to.clone(), rest, now).said(act_of(&word), by);
    if !ledger.conclude(conclusion).await? {
        return Err(moved_on());
    }
    ledger.ring().await?;
    Ok(Said {
        message: post.message,
        account: post.account,
        from: state,
        to: to.state,
    })
}

/// The word, as the record has it.
pub fn act_of(word: &Word) -> &'static str {
    match word {
        Word::Retry => "retry",
        Word::Skip { .. } => "skip",
        Word::WasSent { .. } => "sent",
        Word::WasNotSent => "not_sent",
    }
}

fn moved_on() -> Failed {
    Failed::Wrong("the post moved on meanwhile; look at it again with `steadfast history`".to_owned())
}

/// The words as the files have them now: what a person sends after a hold must be what they read.
async fn as_of_now(office: &Office, ledger: &dyn Ledger, post: &Post) -> Result<Content, Failed> {
    let files = office.read_files()?;
    let campaign = office
        .gate(&files, &Office::campaign(&files)?, Some(ledger))
        .await?;
    let id = &post.message;
    let Some(message) = campaign.messages.iter().find(|message| message.id == *id) else {
        return Err(Failed::Wrong(match campaign.blocked.get(id) {
            Some(why) => format!("`{id}` can't go out as it stands: {why}"),
            None => format!(
                "`{id}` is no longer in the message files; `steadfast skip {}` drops this post",
                post.id
            ),
        }));
    };
    if message.draft {
        return Err(Failed::Wrong(format!(
            "`{id}` is a draft; take `draft = true` out when it is ready"
        )));
    }
    let day = crate::calendar::civil::local(&campaign.settings.zone, office.clock.now()).date();
    if let Some(why) = campaign
        .blocked
        .get(id)
        .cloned()
        .or_else(|| campaign.stale_fact(message, day))
    {
        return Err(Failed::Wrong(format!("`{id}` can't go out as it stands: {why}")));
    }
    let accounts = &files.roster.accounts;
    let index = accounts.iter().position(|account| account.name == post.account);
    let known = index.and_then(|index| Some((index, accounts.get(index)?)));
    let (index, account) =
        known.ok_or_else(|| Failed::Wrong(format!("there is no account `{}` any more", post.account)))?;
    if campaign.binds(&post.occurrence) && !files.roster.target_indexes(&message.to).contains(&index) {
        return Err(Failed::Wrong(format!(
            "`{id}` no longer goes to {}; `steadfast skip {}` drops this post",
            account.name, post.id
        )));
    }
    let nth = variants::same(&campaign, message, account, post.content.variant.as_ref());
    render(&campaign, message, account, office.clock.now(), nth)
        .map_err(|problem| Failed::Wrong(format!("`{id}` can't go to {}: {problem}", account.name)))
}

fn makes_no_sense(word: &Word, state: State) -> String {
    match (word, state) {
        (_, State::Sending) => "it is being sent at this moment; wait for the answer".to_owned(),
        (_, State::Sent) => "it is sent; `steadfast post ID` posts the message again".to_owned(),
        (Word::Retry, _) => {
            "it is in doubt: look on the platform, then `steadfast resolve POST --sent URL` or `--not-sent`"
                .to_owned()
        }
        (Word::WasSent { .. } | Word::WasNotSent, _) => format!("it is not in doubt, it is {state}"),
        (Word::Skip { .. }, _) => format!("it is {state} already"),
    }
}

/// Whether a word would be taken of this post as it stands.
pub fn is_taken(post: &Post, word: Word, now: jiff::Timestamp) -> bool {
    let terms = crate::daemon::deliver::terms_of(post, Doubt::Ask);
    step(&post.standing, &terms, Event::Told(word), now, 0.0).is_ok()
}
