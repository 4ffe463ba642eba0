//! What the counts of many posts come to: by platform, by message, by hour. Reckoned post by post, so that a year of
//! them need not be in memory at once.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::ledger::engagement::Counted;
use crate::post::engagement::Counts;
use crate::post::identity::MessageId;

/// The most steps that a curve has, and the lengths that a step may have, in days.
const STEPS: i32 = 31;
const LENGTHS: [i32; 4] = [1, 7, 14, 28];
/// Posts are compared by what was counted when they were about a day old: the last reading that is no older.
const COMPARED: std::ops::RangeInclusive<i64> = 20..=48;

/// Days of the campaign's own time, in steps of the same length; the last may be shorter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    pub zone: TimeZone,
    pub first: Date,
    pub last: Date,
    /// In days.
    pub step: i32,
    /// When each step begins, and when the last one ends.
    edges: Vec<Timestamp>,
}

impl Days {
    /// From the first to the last, both included.
    pub fn new(first: Date, last: Date, zone: TimeZone) -> Self {
        let last = last.max(first);
        let count = (last - first).get_days().saturating_add(1);
        let fits = |step: &i32| count <= step.saturating_mul(STEPS);
        let step = LENGTHS.into_iter().find(fits).unwrap_or(count / STEPS + 1);
        let begins = |day: Date| {
            day.to_zoned(zone.clone())
                .map_or(Timestamp::MAX, |day| day.timestamp())
        };
        let mut edges = Vec::new();
        let mut day = first;
        while day <= last {
            edges.push(begins(day));
            let Ok(next) = day.checked_add(step.days()) else {
                break;
            };
            day = next;
        }
        edges.push(begins(last.tomorrow().unwrap_or(last)));
        Self {
            zone,
            first,
            last,
            step,
            edges,
        }
    }

    /// So many days, today the last of them.
    pub fn until(now: Timestamp, days: i32, zone: TimeZone) -> Self {
        let today = now.to_zoned(zone.clone()).date();
        let first = today.checked_sub(days.saturating_sub(1).days());
        Self::new(first.unwrap_or(today), today, zone)
    }

    pub fn since(&self) -> Timestamp {
        self.edges.first().copied().unwrap_or(Timestamp::MIN)
    }

    /// When the last of them is over.
    pub fn end(&self) -> Timestamp {
        self.edges.last().copied().unwrap_or(Timestamp::MAX)
    }

    /// The first day of each step.
    pub fn steps(&self) -> Vec<Date> {
        let begins = self.edges.iter().take(self.edges.len().saturating_sub(1));
        begins.map(|at| at.to_zoned(self.zone.clone()).date()).collect()
    }

    /// When each step begins, and when the last one ends.
    pub fn edges(&self) -> &[Timestamp] {
        &self.edges
    }

    /// The step in which an instant lies; what comes after all of them belongs to the last.
    fn step_of(&self, at: Timestamp) -> usize {
        let after = self.edges.partition_point(|edge| *edge <= at);
        after.saturating_sub(1).min(self.edges.len().saturating_sub(2))
    }
}

/// What was counted of some posts together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sum {
    pub posts: u64,
    /// By the last reading of each.
    pub counts: Counts,
    /// How much was added to engagement and views in each step.
    engagement: Vec<i64>,
    views: Vec<i64>,
}

impl Sum {
    fn new(steps: usize) -> Self {
        Self {
            engagement: vec![0; steps],
            views: vec![0; steps],
            ..Self::default()
        }
    }

    fn add(&mut self, grown: &Grown) {
        self.posts = self.posts.saturating_add(1);
        self.counts = self.counts.plus(&grown.last);
        for (step, engagement, views) in &grown.steps {
            for (sums, more) in [(&mut self.engagement, engagement), (&mut self.views, views)] {
                if let Some(sum) = sums.get_mut(*step) {
                    *sum = sum.saturating_add(*more);
                }
            }
        }
    }

    /// Likes, shares, replies and quotes together.
    pub fn engagement(&self) -> u64 {
        self.counts.engagement().unwrap_or(0)
    }

    /// Of each post on average.
    pub fn each(&self) -> f64 {
        ratio(self.engagement(), self.posts)
    }

    /// How far engagement had come at the end of each step.
    pub fn engagement_by_step(&self) -> Vec<i64> {
        running(&self.engagement)
    }

    /// And views.
    pub fn views_by_step(&self) -> Vec<i64> {
        running(&self.views)
    }
}

fn running(more: &[i64]) -> Vec<i64> {
    let add = |sum: &mut i64, more: &i64| {
        *sum = sum.saturating_add(*more);
        Some(*sum)
    };
    more.iter().scan(0, add).collect()
}

/// Counts are far below what is lost here.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ratio(of: u64, by: u64) -> f64 {
    if by == 0 { 0.0 } else { of as f64 / by as f64 }
}

/// One post.
struct Grown {
    last: Counts,
    /// In which step how much was added to engagement and views.
    steps: Vec<(usize, i64, i64)>,
}

impl Grown {
    fn new(post: &Counted, days: &Days) -> Self {
        let mut grown = Self {
            last: Counts::default(),
            steps: Vec::new(),
        };
        // A post that is gone has no counts any more; what it had stays.
        let told = post
            .readings
            .iter()
            .filter(|(_, counts)| *counts != Counts::default());
        for (at, counts) in told {
            let more = |of: fn(&Counts) -> Option<u64>| {
                let signed = |counts: &Counts| i64::try_from(of(counts).unwrap_or(0)).unwrap_or(i64::MAX);
                signed(counts).saturating_sub(signed(&grown.last))
            };
            let step = (
                days.step_of(*at),
                more(Counts::engagement),
                more(|counts| counts.views),
            );
            grown.steps.push(step);
            grown.last = *counts;
        }
        grown
    }
}

/// What posts of an hour, or of a day of the week, came to, compared with the others of their account.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    pub posts: u64,
    /// 1: as the account's posts usually do; 2: twice that. `None`: none of them is a day old.
    pub times: Option<f64>,
}

/// What it all comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Insights {
    pub days: Days,
    pub total: Sum,
    /// The most engagement first.
    pub platforms: Vec<(String, Sum)>,
    pub messages: Vec<(MessageId, Sum)>,
    /// By the hour at which they went out, from midnight.
    pub hours: Vec<Share>,
    /// From Monday.
    pub weekdays: Vec<Share>,
}

/// A post about a day after it went out.
struct Compared {
    account: usize,
    hour: usize,
    weekday: usize,
    engagement: u64,
}

/// Reckons post by post.
pub struct Reckoning {
    days: Days,
    total: Sum,
    platforms: BTreeMap<String, Sum>,
    messages: HashMap<MessageId, Sum>,
    accounts: HashMap<String, usize>,
    compared: Vec<Compared>,
}

impl Reckoning {
    pub fn new(days: Days) -> Self {
        Self {
            total: Sum::new(days.steps().len()),
            platforms: BTreeMap::new(),
            messages: HashMap::new(),
            accounts: HashMap::new(),
            compared: Vec::new(),
            days,
        }
    }

    pub fn add(&mut self, post: &Counted) {
        let steps = self.total.engagement.len();
        let grown = Grown::new(post, &self.days);
        let platform = self.platforms.entry(post.platform.clone());
        let message = self.messages.entry(post.message.clone());
        for sum in [
            &mut self.total,
            platform.or_insert_with(|| Sum::new(steps)),
            message.or_insert_with(|| Sum::new(steps)),
        ] {
            sum.add(&grown);
        }
        let known = self.accounts.len();
        let account = *self.accounts.entry(post.account.to_string()).or_insert(known);
        let local = post.sent.to_zoned(self.days.zone.clone());
        if let Some(engagement) = after_a_day(post) {
            self.compared.push(Compared {
                account,
                hour: usize::try_from(local.hour()).unwrap_or(0),
                weekday: weekday(local.weekday()),
                engagement,
            });
        }
    }

    pub fn finish(self) -> Insights {
        let mut usual = vec![(0_u64, 0_u64); self.accounts.len()];
        for one in &self.compared {
            if let Some((sum, posts)) = usual.get_mut(one.account) {
                *sum = sum.saturating_add(one.engagement);
                *posts = posts.saturating_add(1);
            }
        }
        let usual: Vec<f64> = usual.into_iter().map(|(sum, posts)| ratio(sum, posts)).collect();
        let shares = |count: usize, of: fn(&Compared) -> usize| {
            let mut sums = vec![(0_u64, 0.0); count];
            for one in &self.compared {
                let usual = usual.get(one.account).copied().unwrap_or(0.0);
                if let Some((posts, sum)) = sums.get_mut(of(one)).filter(|_| usual > 0.0) {
                    *posts += 1;
                    *sum += ratio(one.engagement, 1) / usual;
                }
            }
            let share = |(posts, sum)| Share {
                posts,
                times: (posts > 0).then(|| sum / ratio(posts, 1)),
            };
            sums.into_iter().map(share).collect::<Vec<Share>>()
        };
        Insights {
            hours: shares(24, |one| one.hour),
            weekdays: shares(7, |one| one.weekday),
            platforms: ranked(self.platforms),
            messages: ranked(self.messages),
            total: self.total,
            days: self.days,
        }
    }
}

/// The most engagement first; of two alike the one whose name comes first.
fn ranked<N: Ord>(sums: impl IntoIterator<Item = (N, Sum)>) -> Vec<(N, Sum)> {
    let mut sums: Vec<(N, Sum)> = sums.into_iter().collect();
    sums.sort_by(|(a, of_a), (b, of_b)| of_b.engagement().cmp(&of_a.engagement()).then_with(|| a.cmp(b)));
    sums
}

/// Its engagement when it was about a day old; `None`: it was not looked at then.
fn after_a_day(post: &Counted) -> Option<u64> {
    let age = |at: Timestamp| at.duration_since(post.sent).as_hours();
    let mut then = post
        .readings
        .iter()
        .filter(|(at, _)| COMPARED.contains(&age(*at)));
    then.next()?.1.engagement()
}

fn weekday(day: Weekday) -> usize {
    usize::try_from(day.to_monday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::civil::date;

    use super::*;
    use crate::post::identity::PostId;

    fn zone() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(-6))
    }

    fn november() -> Days {
        Days::new(date(2026, 11, 1), date(2026, 11, 7), zone())
    }

    /// A post that went out at this hour of 2 November, and what was counted so many hours later.
    fn post(message: &str, account: &str, hour: i8, readings: &[(i64, u64, Option<u64>)]) -> Counted {
        let sent = date(2026, 11, 2)
            .at(hour, 0, 0, 0)
            .to_zoned(zone())
            .unwrap()
            .timestamp();
        let reading = |(hours, likes, views): &(i64, u64, Option<u64>)| {
            let counts = Counts {
                likes: Some(*likes),
                views: *views,
                ..Counts::default()
            };
            (sent + SignedDuration::from_hours(*hours), counts)
        };
        Counted {
            post: PostId::default(),
            message: message.parse().unwrap(),
            account: account.parse().unwrap(),
            platform: account.to_owned(),
            sent,
            url: None,
            readings: readings.iter().map(reading).collect(),
        }
    }

    fn reckoned(posts: &[Counted]) -> Insights {
        let mut reckoning = Reckoning::new(november());
        for post in posts {
            reckoning.add(post);
        }
        reckoning.finish()
    }

    #[test]
    fn a_curve_has_so_many_steps_at_most() {
        let first = date(2026, 1, 1);
        for (days, step, steps) in [
            (1, 1, 1),
            (31, 1, 31),
            (32, 7, 5),
            (90, 7, 13),
            (365, 14, 27),
            (4000, 130, 31),
        ] {
            let all = Days::new(first, first + (days - 1).days(), zone());
            assert_eq!((all.step, all.steps().len()), (step, steps), "{days}");
            assert_eq!(all.steps()[0], first);
            assert_eq!(
                all.end(),
                (first + days.days()).to_zoned(zone()).unwrap().timestamp()
            );
        }
    }

    #[test]
    fn what_grows_is_added_where_it_was_seen() {
        let sum = reckoned(&[
            post("a", "mastodon", 9, &[(1, 2, None), (24, 5, None)]),
            post("b", "mastodon", 9, &[(1, 1, None), (72, 1, None)]),
        ])
        .total;
        assert_eq!(sum.engagement_by_step(), [0, 3, 6, 6, 6, 6, 6]);
        assert_eq!((sum.posts, sum.engagement(), sum.each()), (2, 6, 3.0));
        assert_eq!(sum.counts.views, None, "not counted is not nought");
    }

    #[test]
    fn a_like_that_was_taken_back_is_taken_off() {
        let sum = reckoned(&[post("a", "mastodon", 9, &[(1, 5, Some(9)), (24, 4, Some(9))])]).total;
        assert_eq!(sum.engagement_by_step()[..4], [0, 5, 4, 4]);
        assert_eq!(sum.views_by_step()[..4], [0, 9, 9, 9]);
    }

    #[test]
    fn a_post_that_is_gone_keeps_what_it_had() {
        let mut gone = post("a", "mastodon", 9, &[(1, 5, None), (24, 0, None)]);
        gone.readings[1].1 = Counts::default();
        let sum = reckoned(&[gone]).total;
        assert_eq!((sum.engagement(), sum.engagement_by_step()[6]), (5, 5));
    }

    #[test]
    fn the_most_engagement_comes_first() {
        let all = reckoned(&[
            post("little", "x", 9, &[(1, 1, None)]),
            post("much", "x", 9, &[(1, 9, None)]),
            post("much", "bluesky", 9, &[(1, 1, None)]),
            post("also-little", "bluesky", 9, &[(1, 1, None)]),
        ]);
        let messages: Vec<&str> = all.messages.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(messages, ["much", "also-little", "little"]);
        let platforms: Vec<&str> = all.platforms.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(platforms, ["x", "bluesky"]);
    }

    #[test]
    fn an_hour_is_compared_by_what_the_account_usually_gets_in_a_day() {
        let all = reckoned(&[
            // A large account, and a small one: both do twice as well at nine as at twenty.
            post("a", "x", 9, &[(24, 400, None), (72, 9000, None)]),
            post("b", "x", 20, &[(24, 200, None)]),
            post("a", "nostr", 9, &[(25, 4, None)]),
            post("b", "nostr", 20, &[(25, 2, None)]),
            // Not a day old, and not looked at when it was.
            post("c", "nostr", 9, &[(6, 100, None)]),
            post("d", "nostr", 9, &[(72, 100, None)]),
        ]);
        let (nine, twenty) = (all.hours[9], all.hours[20]);
        assert_eq!((nine.posts, twenty.posts), (2, 2));
        let (nine, twenty) = (nine.times.unwrap(), twenty.times.unwrap());
        assert!(
            (nine - 4.0 / 3.0).abs() < 1e-9 && (twenty - 2.0 / 3.0).abs() < 1e-9,
            "{nine} {twenty}"
        );
        assert_eq!(all.hours[8], Share::default());
        assert_eq!(all.weekdays[0].posts, 4, "2 November is a Monday");
    }

    #[test]
    fn nothing_comes_to_nothing() {
        let all = reckoned(&[]);
        assert_eq!((all.total.posts, all.total.each()), (0, 0.0));
        assert!(all.hours.iter().all(|hour| hour.times.is_none()));
        let unloved = reckoned(&[post("a", "x", 9, &[(24, 0, None)])]);
        assert_eq!(
            unloved.hours[9],
            Share::default(),
            "where all is nought nothing is compared"
        );
    }
}
