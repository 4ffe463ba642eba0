//! Looking for a pin whose answer was lost: on its board, by its words and its link. In which order a board lists its
//! pins is not said, so all are looked at. <https://developers.pinterest.com/docs/api/v5/boards-list_pins>

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::super::{Among, Prepared};
use super::{Account, BOARDS, Words, is_id, pin_in, receipt};
use crate::post::outcome::{Class, Failure, Found};

#[derive(Deserialize)]
struct Listed {
    id: String,
    created_at: Option<String>,
    #[serde(flatten)]
    said: Words,
}

impl Account {
    pub(super) async fn look(&self, prepared: &Prepared, among: &Among) -> Result<Found, Failure> {
        let sent: Words = serde_json::from_str(&prepared.body)
            .map_err(|e| Failure::new(Class::Transient, format!("the frozen request can't be read: {e}")))?;
        let path = format!("{BOARDS}/{}/pins", self.board);
        let pins: Vec<Listed> = match self.all(&path).await {
            Err(failure) if failure.class == Class::Rejected => {
                return Ok(Found::Unclear(format!(
                    "Pinterest does not show the board's pins: {failure}"
                )));
            }
            pins => pins?,
        };
        let mut ours = pins.iter().filter(|pin| pin.is(&sent, among));
        Ok(match (ours.next(), ours.next()) {
            (Some(one), None) => Found::Here(receipt(&one.id)),
            (Some(_), Some(_)) => Found::Unclear("the board has it more than once".to_owned()),
            // It may come yet.
            (None, _) => Found::Working,
        })
    }
}

impl Listed {
    fn is(&self, sent: &Words, among: &Among) -> bool {
        is_id(&self.id)
            && self
                .created_at
                .as_deref()
                .and_then(instant)
                .is_some_and(|at| at.as_second() >= among.since.as_second())
            && self.said.letters() == sent.letters()
            && !self.is_taken(among)
    }

    /// Another post of ours has the receipt for it, by whichever address a person told.
    fn is_taken(&self, among: &Among) -> bool {
        let known = |taken: &String| pin_in(taken).is_some_and(|id| id == self.id);
        among.has(&self.id, None) || among.taken.iter().any(known)
    }
}

impl Words {
    /// For comparing, however they are broken into lines; what is not said is the same as nothing.
    fn letters(&self) -> [String; 3] {
        let plain = |words: &Option<String>| {
            let letters = words.iter().flat_map(|words| words.chars());
            letters.filter(|c| !c.is_whitespace()).collect::<String>()
        };
        let link = plain(&self.link);
        [
            plain(&self.title),
            plain(&self.description),
            link.trim_end_matches('/').to_owned(),
        ]
    }
}

/// `2020-01-01T20:10:40-00:00`, and without the offset: all are in UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let plain = text.trim_end_matches("-00:00").trim_end_matches('Z');
    match text.parse() {
        Ok(instant) => Some(instant),
        Err(_) => plain
            .parse::<DateTime>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()
            .map(|at| at.timestamp()),
    }
}
