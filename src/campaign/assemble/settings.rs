//! The one `[campaign]`, with the blackouts of all files.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Across, table_problem};
use crate::calendar::civil;
use crate::calendar::window::{Blackout, Windows};
use crate::campaign::allow::Allow;
use crate::campaign::lint::flat;
use crate::campaign::message::Local;
use crate::campaign::place::Unplaced;
use crate::campaign::problem::{Place, Problem, Severity, Spot};
use crate::campaign::read::RawCampaign;
use crate::campaign::{AfterHold, Settings};
use crate::post::card::Colours;

/// Why there is no campaign.
pub(super) struct Missing {
    pub(super) why: String,
    /// If no file is to blame.
    pub(super) problem: Option<Problem>,
}

impl Across<'_> {
    /// The one `[campaign]`, with all blackouts. If there is none, a stand-in to check the messages with.
    pub(super) fn settings(&mut self, now: Timestamp) -> (Settings, Option<Missing>) {
        let files = self.files;
        let mut tables = files
            .iter()
            .enumerate()
            .filter_map(|(index, file)| Some((index, file.campaign.as_ref()?)));
        let mut settings = stand_in();
        let mut missing = None;
        let mut hold = files.iter().find_map(|file| file.unsure.clone());
        if let Some((index, raw)) = tables.next() {
            for (other, second) in tables {
                let message = format!(
                    "there is a second `[campaign]`: the first is in {}, line {}",
                    raw.spot.file, raw.spot.line
                );
                hold.get_or_insert_with(|| message.clone());
                let problem = table_problem(
                    Severity::Error,
                    "campaign-twice",
                    message,
                    "keep one",
                    &["campaign"],
                );
                self.add(
                    other,
                    Unplaced {
                        line: second.spot.line,
                        ..problem
                    },
                );
            }
            if raw.id.is_none() || raw.zone.is_none() {
                missing = Some(Missing {
                    why: files
                        .get(index)
                        .and_then(|file| file.unsure.clone())
                        .unwrap_or_else(|| "the `[campaign]` table has no `id` or no `timezone`".into()),
                    problem: None,
                });
            }
            fill(&mut settings, raw);
            self.slots(index, raw, &settings.zone, now);
            self.hashtags(index, raw, &settings.language);
            if settings.windows.open_from(&settings.zone, now).is_none() {
                let message = "the quiet hours together leave no time of the day to post at".to_owned();
                let help = "leave some hours of the day out of them";
                let path = ["campaign", "quiet_hours"];
                let problem = table_problem(Severity::Error, "bad-window", message, help, &path);
                self.add(
                    index,
                    Unplaced {
                        line: raw.spot.line,
                        ..problem
                    },
                );
            }
        } else {
            missing = Some(self.no_campaign());
        }
        if let Some(reason) = hold {
            let own = settings
                .hold
                .take()
                .map_or_else(String::new, |own| format!("{own}; "));
            settings.hold = Some(format!("{own}{reason}"));
        }
        self.blackouts(&mut settings);
        (settings, missing)
    }

    fn no_campaign(&self) -> Missing {
        let broken = self
            .files
            .iter()
            .find(|file| file.broken.is_some() && file.file.ends_with("campaign.toml"));
        let why = match broken {
            Some(file) => format!(
                "{} cannot be read: {}",
                file.file,
                file.broken.as_deref().unwrap_or_default()
            ),
            None => "no file has a `[campaign]` table".into(),
        };
        let file = broken.map_or_else(|| "campaign.toml".into(), |file| file.file.clone());
        Missing {
            problem: Some(Problem {
                severity: Severity::Error,
                code: "campaign-missing",
                message: "no file has a `[campaign]` table, so nothing can be posted".into(),
                help: "write one in campaign.toml, with `id`, `name` and `timezone`".into(),
                place: Place::whole(&file),
                about: None,
            }),
            why,
        }
    }

    fn slots(&mut self, file: usize, raw: &RawCampaign, zone: &TimeZone, now: Timestamp) {
        for (i, _) in raw
            .slots
            .iter()
            .filter(|(_, slot)| !slot.fires_within(zone, now, 5))
        {
            let path = ["campaign", "slots", &i.to_string()].map(String::from);
            let message = "this slot does not come round in the next five years".to_owned();
            let mut problem = table_problem(
                Severity::Error,
                "never-fires",
                message,
                "is the day of the month right?",
                &[],
            );
            problem.path = path.into_iter().map(Into::into).collect();
            problem.line = raw.spot.line;
            self.add(file, problem);
        }
    }

    /// The campaign's own tags, which texts take with `{{ campaign.hashtags }}`.
    fn hashtags(&mut self, file: usize, raw: &RawCampaign, language: &str) {
        for tag in &raw.hashtags {
            if let Some((message, help)) = flat(tag, language) {
                let path = ["campaign", "hashtags"];
                let problem = table_problem(Severity::Warning, "flat-hashtag", message, help, &path);
                self.add(
                    file,
                    Unplaced {
                        words: Some(tag.clone()),
                        line: raw.spot.line,
                        ..problem
                    },
                );
            }
        }
    }

    fn blackouts(&mut self, settings: &mut Settings) {
        let files = self.files;
        let instant = |local| match local {
            Local::Fixed(at) => Some(at),
            // A day that the zone skips: the first instant after it.
            Local::Civil(local) => civil::instant(&settings.zone, local)
                .or_else(|| settings.zone.to_ambiguous_timestamp(local).later().ok()),
        };
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        for (index, file) in files.iter().enumerate() {
            for raw in &file.blackouts {
                match (instant(raw.from), instant(raw.until)) {
                    (Some(from), Some(until)) if from < until => found.push(Blackout {
                        from,
                        until,
                        why: raw.why.clone(),
                    }),
                    _ => wrong.push((index, raw.index)),
                }
            }
        }
        settings.windows.blackouts = found;
        for (file, index) in wrong {
            let message = "this blackout ends before it begins".to_owned();
            settings.hold.get_or_insert_with(|| message.clone());
            let mut problem = table_problem(
                Severity::Error,
                "bad-window",
                message,
                "write the earlier one as `from`",
                &["blackout"],
            );
            problem.path.extend([index.to_string().into(), "until".into()]);
            self.add(file, problem);
        }
    }
}

#[expect(clippy::expect_used, reason = "the constant is a good id")]
fn stand_in() -> Settings {
    Settings {
        id: "campaign".parse().expect("a good id"),
        name: "campaign".into(),
        zone: TimeZone::UTC,
        language: "en".into(),
        slots: Vec::new(),
        windows: Windows::default(),
        hashtags: Vec::new(),
        card: Colours::default(),
        hold: None,
        after_hold: AfterHold::Review,
        author: None,
        allow: Allow::new(),
        spot: Spot {
            file: "campaign.toml".into(),
            line: 1,
        },
    }
}

fn fill(settings: &mut Settings, raw: &RawCampaign) {
    if let Some(id) = &raw.id {
        settings.id = id.clone();
        settings.name = id.to_string();
    }
    if let Some(name) = &raw.name {
        settings.name.clone_from(name);
    }
    if let Some(zone) = &raw.zone {
        settings.zone = zone.clone();
    }
    if let Some(language) = &raw.language {
        settings.language.clone_from(language);
    }
    settings.slots = raw.slots.iter().map(|(_, slot)| slot.clone()).collect();
    settings.windows.quiet.clone_from(&raw.quiet);
    settings.hashtags.clone_from(&raw.hashtags);
    settings.card = raw.card;
    settings.hold.clone_from(&raw.hold);
    settings.after_hold = raw.after_hold;
    settings.author.clone_from(&raw.author);
    settings.allow.clone_from(&raw.allow);
    settings.spot.clone_from(&raw.spot);
}
