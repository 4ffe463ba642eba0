//! A fact: a claim that lives once, with its source and the date by which it must be checked again.

use jiff::ToSpan;
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
    /// How whoever claims it is named in other languages, the same.
    pub says_in: std::collections::BTreeMap<String, String>,
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

/// So many days before its `review_by` a fact is pointed out.
const AHEAD: i8 = 14;

/// How a fact stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Confirmed,
    /// Confirmed, and to be checked again within two weeks.
    ReviewSoon,
    /// Past its `review_by`.
    Overdue,
    Disputed,
    Retracted,
}

impl Standing {
    /// As commands show it.
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Confirmed => "confirmed",
            Standing::ReviewSoon => "review_soon",
            Standing::Overdue => "overdue",
            Standing::Disputed => "disputed",
            Standing::Retracted => "retracted",
        }
    }
}

impl Fact {
    /// How it stands on the local day `today`.
    pub fn standing(&self, today: Date) -> Standing {
        match (self.status, self.review_by) {
            (FactStatus::Disputed, _) => Standing::Disputed,
            (FactStatus::Retracted, _) => Standing::Retracted,
            (FactStatus::Confirmed, Some(by)) if today > by => Standing::Overdue,
            (FactStatus::Confirmed, Some(by)) => {
                let soon = today.checked_add(AHEAD.days()).unwrap_or(today);
                if by <= soon {
                    Standing::ReviewSoon
                } else {
                    Standing::Confirmed
                }
            }
            (FactStatus::Confirmed, None) => Standing::Confirmed,
        }
    }

    /// Its value in `language` (`es-MX`, then `es`), else as it is.
    pub fn value_in(&self, language: &str) -> &str {
        in_language(&self.lang, language).unwrap_or(&self.value)
    }

    /// Who claims it, as a text in `language` must name them; `None`: nobody has to be named.
    pub fn says_in(&self, language: &str) -> Option<&str> {
        let says = self.says.as_deref()?;
        Some(in_language(&self.says_in, language).unwrap_or(says))
    }

    /// Why a message that uses it must not go out on the local day `today`; `None` if it may.
    pub fn blocks(&self, name: &str, today: Date) -> Option<String> {
        match self.standing(today) {
            Standing::Confirmed | Standing::ReviewSoon => None,
            Standing::Disputed => Some(format!("fact `{name}` is disputed")),
            Standing::Retracted => Some(format!("fact `{name}` is retracted")),
            Standing::Overdue => self
                .review_by
                .map(|by| format!("fact `{name}` had to be checked again by {by}")),
        }
    }
}

/// The form for `language`, else for a wider one: `es-MX`, then `es`.
fn in_language<'f>(forms: &'f std::collections::BTreeMap<String, String>, language: &str) -> Option<&'f str> {
    let mut tag = language;
    loop {
        let same = |(key, _): &(&String, &String)| key.eq_ignore_ascii_case(tag);
        if let Some((_, form)) = forms.iter().find(same) {
            return Some(form);
        }
        tag = tag.rsplit_once('-')?.0;
    }
}
