//! The days to come: a message that goes out again, or some day, must be sayable and fit on each of them. A
//! text that fits today and not in two years would stop by itself, when nobody looks.

use jiff::civil::{Date, time};
use jiff::{Timestamp, ToSpan};

use super::account::Unsaid;
use super::{Check, all_words};
use crate::campaign::Account;
use crate::campaign::message::When;
use crate::campaign::moving::{Term, turning_days};
use crate::campaign::render::Chosen;
use crate::campaign::template::{is_plain, is_template};
use crate::post::content::{Content, Part};
use crate::text::count;

/// How far ahead a message that goes out again and again is looked at, if it does not expire.
const YEARS: i64 = 2;
/// The same for one that goes out once, some day: the queue, and what follows another. It is looked at anew
/// each day.
const DAYS: i64 = 90;

impl<'a> Check<'a, '_> {
    /// The first and the last day on which it may go out.
    pub(super) fn span(&self) -> (Date, Date) {
        let zone = &self.context.settings.zone;
        let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
        let message = self.message;
        if let When::At(local) = message.when {
            let day = self.instant(local).map_or(self.context.today, day);
            return (day, day);
        }
        let starts = message.starts.and_then(|local| self.instant(local)).map(day);
        let first = starts.unwrap_or(Date::MIN).max(self.context.today);
        let far = match message.when {
            When::Cron(_) | When::Evergreen => YEARS.years(),
            _ => DAYS.days(),
        };
        let expires = message.expires.and_then(|local| self.instant(local));
        // It is never posted at or after that instant.
        let end = expires
            .and_then(|at| at.checked_sub(1.nanosecond()).ok())
            .map(day);
        let last = end.unwrap_or_else(|| first.saturating_add(far));
        let first = first.min(last);
        let moves = all_words(message).any(|(_, words)| {
            let texts = words.texts.iter().chain(&words.warn).map(|text| &**text);
            texts.chain(words.alts()).any(is_template)
        });
        let out = if moves { self.next_out(first) } else { None };
        (out.filter(|out| *out <= last).unwrap_or(first), last)
    }

    /// The first day, `day` or later, on which it may go out. A recurring message does so on the days of its
    /// rule, or when the quiet hours after it end; all others on any.
    fn next_out(&self, day: Date) -> Option<Date> {
        let When::Cron(cron) = &self.message.when else {
            return Some(day);
        };
        let settings = self.context.settings;
        let out = |from: Date| {
            let midnight = from
                .to_datetime(time(0, 0, 0, 0))
                .to_zoned(settings.zone.clone())
                .ok()?;
            let fire = cron.next_after(
                &settings.zone,
                midnight.timestamp().checked_sub(1.nanosecond()).ok()?,
            )?;
            let open = settings
                .windows
                .open_from(&settings.zone, fire.at)
                .unwrap_or(fire.at);
            Some(open.to_zoned(settings.zone.clone()).date())
        };
        let closed = !(settings.windows.quiet.is_empty() && settings.windows.blackouts.is_empty());
        let waited = day.yesterday().ok().filter(|_| closed).and_then(out);
        waited.filter(|out| *out >= day).or_else(|| out(day))
    }

    /// Looks at what `account` says on the later days on which it may be longer, or cannot be said.
    pub(super) fn ahead(&mut self, account: &Account, chosen: &Chosen<'a>, terms: &[Term]) {
        let (first, last) = self.days;
        if first == last {
            return;
        }
        let texts = chosen.text().into_iter().chain(chosen.warn).map(|text| &**text);
        let plain = texts.chain(chosen.alts()).all(is_plain);
        let days = turning_days(terms, plain, chosen.language, first, |day| {
            self.next_out(day).filter(|out| *out <= last)
        });
        let mut worst: Option<(usize, Date, Content)> = None;
        for day in days {
            match self.speak(account, chosen, day) {
                Ok((content, _)) => {
                    let over = excess(account, &content);
                    if over > worst.as_ref().map_or(0, |(most, ..)| *most) {
                        worst = Some((over, day, content));
                    }
                }
                Err(Unsaid::Text(mut problem) | Unsaid::Rest(mut problem)) => {
                    if !problem.message.contains(&day.to_string()) {
                        problem.message = format!("{}, on {day}", problem.message);
                    }
                    // Another account may have the same words.
                    let known = |found: &super::Unplaced| found.message == problem.message;
                    if !self
                        .problems
                        .iter()
                        .any(|found| known(found) && found.index == Some(self.entry.index))
                    {
                        self.template(chosen.path(), problem);
                    }
                    return;
                }
            }
        }
        if let Some((_, day, content)) = worst {
            self.on = Some(day);
            self.fits(account, chosen, &content);
            self.on = None;
        }
    }

    /// The end of a sentence about a later day.
    pub(super) fn when(&self) -> String {
        self.on
            .map_or_else(String::new, |day| format!(", when it goes out on {day}"))
    }
}

/// By how much the longest part is too long, or the thread; 0 if it fits.
fn excess(account: &Account, content: &Content) -> usize {
    let limits = &*account.limits.answering(content.reply_to.is_some());
    if content.parts.len() > usize::from(limits.max_parts) {
        return usize::MAX;
    }
    let warn = content.warn.as_deref().unwrap_or_default();
    let parts = content.parts.iter().enumerate().map(|(i, part)| {
        let shown = part.shown_text(limits.abilities);
        let rule = limits.rule(i, part.pictured());
        if count::surely_fits(rule, &shown, warn) {
            return 0;
        }
        let measure = count::measure(rule, &shown, warn);
        measure
            .limit
            .map_or(0, |limit| measure.length.saturating_sub(limit))
    });
    let alts = content.parts.iter().flat_map(Part::alts);
    let alts = alts.map(|alt| {
        limits
            .max_alt
            .map_or(0, |max| count::graphemes(alt).saturating_sub(max))
    });
    parts.chain(alts).max().unwrap_or(0)
}
