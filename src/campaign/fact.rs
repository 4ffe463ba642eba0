//! A fact: a claim that lives once, with its source and the date by which it must be checked again.

use jiff::civil::Date;

/// `[fact.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub value: String,
    /// Where it comes from; required.
    pub source: String,
    /// When the source said so.
    pub as_of: Option<Date>,
    /// Past this day, in the campaign's time zone, its messages are held until someone confirms it.
    pub review_by: Option<Date>,
    pub status: FactStatus,
    /// Who claims it: a text that uses it must name them.
    pub says: Option<String>,
    pub note: Option<String>,
    /// Values in other languages: BCP 47 tag to value.
    pub lang: std::collections::BTreeMap<String, String>,
    /// Where it is written.
    pub spot: super::problem::Spot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FactStatus {
    #[default]
    Confirmed,
    Disputed,
    Retracted,
}

impl Fact {
    /// Its value in `language` (`es-MX`, then `es`), else as it is.
    pub fn value_in(&self, language: &str) -> &str {
        let mut tag = language;
        loop {
            let same = |(key, _): &(&String, &String)| key.eq_ignore_ascii_case(tag);
            if let Some((_, value)) = self.lang.iter().find(same) {
                return value;
            }
            match tag.rsplit_once('-') {
                Some((wider, _)) => tag = wider,
                None => return &self.value,
            }
        }
    }

    /// Why a message that uses it must not go out on the local day `today`; `None` if it may.
    pub fn blocks(&self, name: &str, today: Date) -> Option<String> {
        match self.status {
            FactStatus::Disputed => return Some(format!("fact `{name}` is disputed")),
            FactStatus::Retracted => return Some(format!("fact `{name}` is retracted")),
            FactStatus::Confirmed => {}
        }
        self.review_by
            .filter(|by| today > *by)
            .map(|by| format!("fact `{name}` had to be checked again by {by}"))
    }
}
