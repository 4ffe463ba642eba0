//! `retry`, `skip`, `resolve`: a person's word on one post.

use crate::desk::words::say;
use crate::post::identity::PostId;
use crate::post::state::State;
use crate::post::step::Word;

use super::args::{Resolution, SpeakerArgs};
use super::{Exit, Failed, Office, print_line};

pub(super) async fn retry(office: &Office, post: PostId, by: &SpeakerArgs) -> Result<Exit, Failed> {
    tell(office, post, Word::Retry, by).await
}

pub(super) async fn skip(
    office: &Office,
    post: PostId,
    why: Option<String>,
    by: &SpeakerArgs,
) -> Result<Exit, Failed> {
    let why = match why {
        Some(why) => why,
        None => format!("{} said so", by.name()?),
    };
    tell(office, post, Word::Skip { why }, by).await
}

pub(super) async fn resolve(
    office: &Office,
    post: PostId,
    how: Resolution,
    by: &SpeakerArgs,
) -> Result<Exit, Failed> {
    let word = match how.sent {
        Some(url) => Word::WasSent { url: Some(url) },
        None => Word::WasNotSent,
    };
    tell(office, post, word, by).await
}

async fn tell(office: &Office, id: PostId, word: Word, by: &SpeakerArgs) -> Result<Exit, Failed> {
    let by = by.name()?;
    let ledger = office.ledger().await?;
    let said = say(office, &*ledger, id, word, &by).await?;
    print_line(&format!(
        "{} on {}: {} -> {}",
        said.message, said.account, said.from, said.to
    ));
    if said.to == State::Due {
        print_line("the running daemon sends it now, or the next one when it starts");
    }
    Ok(Exit::Done)
}
