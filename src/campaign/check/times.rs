//! Times that cannot be, or are not what they seem (reliability §2.8, T5, T11).

use jiff::{Timestamp, ToSpan};

use super::{Check, path};
use crate::calendar::civil::{self, Resolved, resolve};
use crate::campaign::message::{Local, When};

impl Check<'_, '_> {
    pub(super) fn instant(&self, local: Local) -> Option<Timestamp> {
        match local {
            Local::Fixed(at) => Some(at),
            Local::Civil(local) => civil::instant(&self.context.settings.zone, local),
        }
    }

    /// Times that cannot be, or are not what they seem (reliability §2.8, T5, T11).
    pub(super) fn times(&mut self) {
        let (context, message) = (self.context, self.message);
        let zone = &context.settings.zone;
        let here = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let exact = |at: Timestamp| {
            at.to_zoned(zone.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%:z")
                .to_string()
        };
        let near = |years: i64| context.today.checked_add(years.years());
        let past = |at: Timestamp| at < context.now;
        for (key, local) in [("starts", message.starts), ("expires", message.expires)] {
            let Some(local) = local else { continue };
            let far = near(10).is_ok_and(|limit| {
                self.instant(local)
                    .is_none_or(|at| at.to_zoned(zone.clone()).date() > limit)
            });
            if far {
                self.error(
                    "bad-time",
                    path([""; 2], &[key]),
                    format!("`{key}` is more than ten years away"),
                    "is the year right?",
                );
            }
        }
        let at = match &message.when {
            When::At(local) => {
                let text = path([""; 2], &["at"]);
                if let Local::Civil(local) = *local {
                    match resolve(zone, local) {
                        Resolved::At(at) | Resolved::Moved { at, .. } | Resolved::First { at, .. }
                            if past(at) => {}
                        Resolved::At(_) => {}
                        Resolved::Moved { at, .. } => self.warning(
                            "clock-change",
                            text.clone(),
                            format!(
                                "the clocks go forward over {}: it goes out at {}",
                                local.strftime("%Y-%m-%d %H:%M"),
                                here(at)
                            ),
                            "write another time if that is not meant",
                        ),
                        Resolved::First { second, .. } => self.warning(
                            "clock-change",
                            text.clone(),
                            format!(
                                "the clocks go back, so {} is there twice: it goes out the first time",
                                local.strftime("%Y-%m-%d %H:%M"),
                            ),
                            format!("write `at = {}` for the second", exact(second)),
                        ),
                        Resolved::NoSuchTime => self.error(
                            "bad-time",
                            text.clone(),
                            format!(
                                "there is no {} in this time zone",
                                local.strftime("%Y-%m-%d %H:%M")
                            ),
                            "write another day",
                        ),
                    }
                }
                let at = self.instant(*local);
                let day = at.map(|at| at.to_zoned(zone.clone()).date());
                if day.is_some_and(|day| near(-10).is_ok_and(|limit| day < limit)) {
                    let help = "is the year right?";
                    self.error("bad-time", text, "`at` is more than ten years ago".into(), help);
                } else if day.is_some_and(|day| near(10).is_ok_and(|limit| day > limit)) {
                    self.error(
                        "bad-time",
                        text,
                        "`at` is more than ten years away".into(),
                        "is the year right?",
                    );
                } else if day.is_some_and(|day| near(-1).is_ok_and(|limit| day < limit)) {
                    // Younger ones are the campaign's past: nothing is wrong with those that went out.
                    self.warning(
                        "past",
                        text,
                        "`at` is more than a year ago".into(),
                        "is the year right? If it went out then, all is well: it is not posted again",
                    );
                }
                at
            }
            When::Cron(cron) => {
                if !cron.fires_within(zone, context.now, 5) {
                    self.error(
                        "never-fires",
                        path([""; 2], &["cron"]),
                        "this rule does not come round in the next five years".into(),
                        "is the day of the month right?",
                    );
                }
                None
            }
            When::After { .. } | When::Evergreen | When::Queue => None,
        };
        let (starts, expires) = (
            message.starts.and_then(|local| self.instant(local)),
            message.expires.and_then(|local| self.instant(local)),
        );
        if let (Some(at), Some(expires)) = (at, expires)
            && at >= expires
        {
            self.error(
                "expires-first",
                path([""; 2], &["expires"]),
                format!("this message expires before it goes out, at {}", here(at)),
                "write a later date, or leave the line out",
            );
        }
        if let (Some(at), Some(starts)) = (at, starts)
            && at < starts
        {
            self.error(
                "conflict",
                path([""; 2], &["starts"]),
                format!("`at` is before `starts`: {} would be too early", here(at)),
                "leave out `starts`: a message with `at` goes out at that time",
            );
        }
    }
}
