//! What time the platforms say it is: every answer has a `Date`. The daemon compares it with our clock
//! (reliability §2.8, P36).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{AGE, DATE, HeaderMap};

use crate::calendar::steady::{Sample, Told};

/// The last `Date` of each server. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Dates(Arc<Mutex<BTreeMap<String, Told>>>);

impl Dates {
    /// What each server told last.
    pub fn told(&self) -> Vec<Told> {
        self.servers().values().copied().collect()
    }

    /// A server answered a harmless request. `at` is now.
    pub fn hear(&self, server: &str, headers: &HeaderMap, at: Sample) {
        if let Some(date) = date(headers) {
            self.servers().insert(server.to_owned(), Told { date, at });
        }
    }

    /// A server answered a request that the world can see. It counts only where harmless ones go as well:
    /// one that is never asked again, such as a webhook's receiver, could hold everything for ever with a
    /// clock that was once wrong.
    pub fn hear_again(&self, server: &str, headers: &HeaderMap, at: Sample) {
        if let (Some(date), Some(told)) = (date(headers), self.servers().get_mut(server)) {
            *told = Told { date, at };
        }
    }

    fn servers(&self) -> MutexGuard<'_, BTreeMap<String, Told>> {
        // Each entry is whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `Date`, and `Age` more where a cache kept the answer (RFC 9111 §5.1). What can't be read is ignored.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let date = jiff::fmt::rfc2822::parse(text(DATE)?).ok()?.timestamp();
    let age = match text(AGE) {
        Some(age) => age.trim().parse::<u32>().ok()?,
        None => 0,
    };
    date.checked_add(SignedDuration::from_secs(i64::from(age))).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        pairs.iter().map(pair).collect()
    }

    fn at(text: &str) -> Sample {
        Sample {
            wall: text.parse().unwrap(),
            uptime: Duration::from_mins(1),
            awake: Duration::from_mins(1),
        }
    }

    #[test]
    fn a_date_is_read_as_old_as_it_is_or_not_at_all() {
        let noon = "Mon, 23 Nov 2026 12:00:00 GMT";
        let read = |pairs: &[_]| date(&headers(pairs)).map(|date| date.to_string());
        assert_eq!(read(&[("date", noon)]).unwrap(), "2026-11-23T12:00:00Z");
        assert_eq!(
            read(&[("date", noon), ("age", "300")]).unwrap(),
            "2026-11-23T12:05:00Z",
            "a cache kept it for five minutes"
        );
        assert_eq!(read(&[("date", noon), ("age", "much")]), None);
        for bad in [
            "",
            "noon",
            "Mon, 23 Nov 2026",
            "Mon, 99 Nov 2026 12:00:00 GMT",
            "1795392000",
        ] {
            assert_eq!(read(&[("date", bad)]), None, "{bad}");
        }
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn the_last_date_of_each_server_counts_if_it_can_be_asked_again() {
        let dates = Dates::default();
        let noon = headers(&[("date", "Mon, 23 Nov 2026 12:00:00 GMT")]);
        let later = headers(&[("date", "Mon, 23 Nov 2026 12:01:00 GMT")]);
        dates.hear_again("https://hook.example", &noon, at("2026-11-23T12:00:00Z"));
        assert_eq!(dates.told(), []);
        dates.hear("https://a.example", &noon, at("2026-11-23T12:00:00Z"));
        dates.hear("https://b.example", &noon, at("2026-11-23T12:00:01Z"));
        dates
            .clone()
            .hear_again("https://a.example", &later, at("2026-11-23T12:01:02Z"));
        dates.hear("https://b.example", &HeaderMap::new(), at("2026-11-23T12:02:00Z"));
        let told: Vec<String> = dates.told().iter().map(|told| told.at.wall.to_string()).collect();
        assert_eq!(told, ["2026-11-23T12:01:02Z", "2026-11-23T12:00:01Z"]);
        assert_eq!(dates.told()[0].date, at("2026-11-23T12:01:00Z").wall);
    }
}
