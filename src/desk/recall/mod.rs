//! A recall: every published post that used a fact, or of a message, and its deletion, correction or edit.
//!
//! Each of these is a post of its own in the ledger, with an identity that names the recalled post. So a recall that was cut short goes on when it is asked for again, and nothing is done twice.

pub mod ask;
pub mod found;

use crate::ledger::{Conclusion, Hold, Ledger, NewPost, Post};
use crate::post::digest::Digest;
use crate::post::identity::PostId;
use crate::post::state::State;
use crate::post::step::{Action, Event, Word, step};
use crate::text::limits::Doubt;

use super::{Failed, Office};
use ask::{Act, Ask, Asking};
use found::Found;

/// How many posts are recorded in one transaction.
const AT_ONCE: usize = 200;

/// What was written down.
pub struct Recalled {
    /// The posts that are recalled.
    pub of: Vec<PostId>,
    /// Their deletions, corrections or edits.
    pub recalls: Vec<PostId>,
    /// The holds that were in force.
    pub holds: Vec<Hold>,
}

/// Writes down what is asked, and rings the daemons' bell. `during_hold`: in spite of the holds that are in force now.
///
/// # Errors
/// If not every account can take a correction, in which case nothing is written down; if one of the posts goes on
/// at this very moment; if the ledger can't be used.
pub async fn carry_out(
    office: &Office,
    ledger: &dyn Ledger,
    asking: &Asking<'_>,
    found: &[Found],
    during_hold: bool,
) -> Result<Recalled, Failed> {
    let objections = asking.objections(found);
    if !objections.is_empty() {
        return Err(objected(&objections));
    }
    if *asking.act == Act::Delete {
        end_threads(office, ledger, found, asking.by).await?;
    }
    let plan = Plan::make(asking, found);
    record(ledger, &plan, office, asking.by).await?;
    let holds = office.holds(Some(ledger)).await?;
    let recalls = plan.recalls();
    if during_hold {
        let said = holds.iter().map(|hold| hold.said);
        if let Some(said) = said.filter(|said| *said < i64::MAX).max() {
            let now = office.clock.now();
            ledger.let_through(recalls.clone(), said, now).await?;
        }
    }
    ledger.ring().await?;
    Ok(Recalled {
        of: plan.of,
        recalls,
        holds,
    })
}

/// The words of a correction are to be written anew.
pub fn objected(objections: &[String]) -> Failed {
    Failed::Wrong(format!(
        "nothing was done, because not every account can take this correction:\n{}",
        objections.join("\n")
    ))
}

/// A thread of which only a part is out goes no further: else the rest would come after the deletion.
async fn end_threads(office: &Office, ledger: &dyn Ledger, found: &[Found], by: &str) -> Result<(), Failed> {
    let unfinished = found.iter().filter(|found| {
        let post = &found.post;
        !post.standing.state.is_final() && post.began.is_some() && !found.is_unsure()
    });
    for Found { post, .. } in unfinished {
        let word = Event::Told(Word::Skip {
            why: "what is out of it is recalled".to_owned(),
        });
        let terms = crate::daemon::deliver::terms_of(post, Doubt::Ask);
        let now = office.clock.now();
        if let Ok(next) = step(&post.standing, &terms, word, now, office.clock.dice())
            && let Action::Rest(rest) = next.action
        {
            let conclusion = Conclusion::of(post, next.standing, rest, now).said("recall", by);
            if !ledger.conclude(conclusion).await? {
                return Err(Failed::Wrong(format!(
                    "{} on {} goes out at this very moment: ask again",
                    post.message, post.account
                )));
            }
        }
    }
    Ok(())
}

/// What is to be written down.
struct Plan {
    new: Vec<NewPost>,
    known: Vec<Post>,
    /// The posts that are recalled.
    of: Vec<PostId>,
}

impl Plan {
    fn make(asking: &Asking<'_>, found: &[Found]) -> Self {
        let mut plan = Self {
            new: Vec::new(),
            known: Vec::new(),
            of: Vec::new(),
        };
        for one in found {
            match asking.ask(one) {
                Ask::New(post) => plan.new.push(*post),
                Ask::Known(post) => plan.known.push(*post),
                Ask::Nothing | Ask::NotYet | Ask::ByHand(_) => continue,
            }
            plan.of.push(one.post.id);
        }
        plan
    }

    /// The ids of the deletions or corrections themselves.
    fn recalls(&self) -> Vec<PostId> {
        let new = self.new.iter().map(|post| post.identity.post_id());
        new.chain(self.known.iter().map(|post| post.id)).collect()
    }
}

/// It is over without having been done, so it is tried once more when it is asked for again.
pub fn came_to_nothing(recall: &Post) -> bool {
    matches!(
        recall.standing.state,
        State::Held | State::Rejected | State::Skipped
    )
}

/// The new ones are recorded; those that came to nothing before are to be tried again.
async fn record(ledger: &dyn Ledger, plan: &Plan, office: &Office, by: &str) -> Result<(), Failed> {
    let now = office.clock.now();
    for some in plan.new.chunks(AT_ONCE) {
        ledger.record(some.to_vec(), now).await?;
    }
    for post in &plan.known {
        if !came_to_nothing(post) {
            continue;
        }
        // To do once more what may be done does no harm.
        let word = if post.standing.doubted() && post.content.may_be_repeated() {
            Word::WasNotSent
        } else {
            Word::Retry
        };
        let terms = crate::daemon::deliver::terms_of(post, Doubt::Ask);
        if let Ok(next) = step(
            &post.standing,
            &terms,
            Event::Told(word),
            now,
            office.clock.dice(),
        ) && let Action::Rest(rest) = next.action
        {
            // Whoever was quicker has decided.
            let conclusion = Conclusion::of(post, next.standing, rest, now).said("recall", by);
            ledger.conclude(conclusion).await?;
        }
    }
    Ok(())
}

impl Asking<'_> {
    /// Of all that would be done, and of each post about which nothing would be: whoever confirms it confirms exactly
    /// this.
    pub fn digest(&self, found: &[Found]) -> Digest {
        let mut fields = match self.act {
            Act::Delete => vec!["delete".to_owned()],
            Act::Reply(text) => vec!["correct".to_owned(), text.clone()],
            Act::Edit => vec!["edit".to_owned()],
        };
        for one in found {
            let what = match self.ask(one) {
                Ask::New(post) if post.content.is_edit() => {
                    for part in post.content.parts {
                        fields.push(part.text);
                        fields.push(part.link.map(|link| link.url).unwrap_or_default());
                    }
                    "new"
                }
                Ask::New(_) => "new",
                Ask::Known(recall) if came_to_nothing(&recall) => "again",
                Ask::Known(_) => "known",
                Ask::Nothing => "nothing",
                Ask::NotYet => "not yet",
                Ask::ByHand(_) => "by hand",
            };
            fields.push(format!("{what} {}", one.post.id));
            fields.extend(one.receipts().into_iter().map(|receipt| receipt.id));
        }
        Digest::of_fields(fields.iter().map(String::as_str))
    }
}
