//! The strict template engine: `{{ fact.verdict }}`, `{{ years_since(2002) }}`. Unknown names are errors,
//! everything depends on the due time alone, and nothing reaches outside (reliability F14).

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Object, Value};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, filters};

use super::Settings;
use super::dates::{FORMS, OURS, days, formatted, parse_count, parse_day, plural, spelled, years_since};
use super::fact::Fact;
use super::moving::Term;
use super::problem::{nearest, shown};
use super::render::RenderProblem;
use source::{bounded, too_much};
pub use source::{is_plain, is_template};

/// How much work one text may be: some 5,000 steps, a few milliseconds.
const FUEL: u64 = 5_000;
/// The longest text that may come out, in bytes.
const OUTPUT_MAX: usize = 64 * 1024;

/// The names that a text can use, with how each is written.
const NAMES: &[(&str, &str)] = &[
    ("fact", "fact.verdict"),
    ("years_since", "years_since(2002)"),
    ("days_since", "days_since(\"2002-09-30\")"),
    ("days_until", "days_until(\"2027-03-01\")"),
    ("date", "date(\"2027-03-01\")"),
    (
        "plural",
        "plural(years_since(2002), one=\"year\", other=\"years\")",
    ),
    ("campaign", "campaign.name"),
    ("account", "account.name"),
];

/// What a text is worked out for.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'s> {
    /// The day on which it is due, in the campaign's zone.
    pub due: Date,
    pub language: &'s str,
    pub account: &'s str,
}

/// A text worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub text: String,
    /// The facts that it used.
    pub facts: BTreeSet<String>,
    /// What it asked of the calendar.
    pub terms: Vec<Term>,
}

/// Works out the texts of one campaign.
pub struct Engine {
    environment: Environment<'static>,
    facts: Arc<BTreeMap<String, Fact>>,
    campaign: Value,
}

impl Engine {
    pub fn new(settings: &Settings, facts: &Arc<BTreeMap<String, Fact>>) -> Self {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_debug(true);
        // A line with only a `{% if … %}` on it leaves no empty line behind.
        if let Ok(syntax) = SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()
        {
            environment.set_syntax(syntax);
        }
        // Filters that make no text much longer than it was.
        environment.add_filter("upper", filters::upper);
        environment.add_filter("lower", filters::lower);
        environment.add_filter("title", filters::title);
        environment.add_filter("capitalize", filters::capitalize);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("length", filters::length);
        environment.add_filter("abs", filters::abs);
        environment.add_filter("round", filters::round);
        environment.add_filter("int", filters::int);
        let tags = settings
            .hashtags
            .iter()
            .map(|tag| format!("#{tag}"))
            .collect::<Vec<_>>();
        let campaign = Value::from(BTreeMap::from([
            ("name", settings.name.clone()),
            ("hashtags", tags.join(" ")),
        ]));
        Self {
            environment,
            facts: facts.clone(),
            campaign,
        }
    }

    /// Works out `template`. Texts without templates come back as they are.
    pub fn say(&self, template: &str, scene: &Scene<'_>) -> Result<Said, RenderProblem> {
        if !is_template(template) {
            return Ok(Said {
                text: template.to_owned(),
                ..Said::default()
            });
        }
        bounded(template)?;
        let names = Arc::new(Names {
            facts: self.facts.clone(),
            campaign: self.campaign.clone(),
            account: scene.account.to_owned(),
            language: scene.language.to_owned(),
            due: scene.due,
            asked: Mutex::default(),
        });
        let said = self
            .environment
            .template_from_str(template)
            .and_then(|template| template.render(Value::from_dyn_object(names.clone())));
        let asked = names.asked.lock().map(|asked| asked.clone()).unwrap_or_default();
        let text = said.map_err(|error| self.problem(template, &error, &asked))?;
        if text.len() > OUTPUT_MAX {
            return Err(too_much(None));
        }
        if let Some(mark) = ["{{", "{%", "}}", "%}"]
            .into_iter()
            .find(|mark| text.contains(mark))
        {
            return Err(RenderProblem {
                code: "bad-template",
                message: format!("`{mark}` would be seen in the text"),
                help: "is a bracket missing? It is written `{{ fact.verdict }}`".into(),
                words: Some(mark.to_owned()),
            });
        }
        Ok(Said {
            text,
            facts: asked.facts,
            terms: asked.terms,
        })
    }

    /// The names that `template` could ask for on any day: `fact.verdict`; or `fact` alone, where which one can't be
    /// told from how it is written.
    pub fn names(&self, template: &str) -> BTreeSet<String> {
        if !is_template(template) {
            return BTreeSet::new();
        }
        let parsed = self.environment.template_from_str(template);
        let mut names: BTreeSet<String> = parsed
            .map(|template| template.undeclared_variables(true).into_iter().collect())
            .unwrap_or_default();
        // A name that is set anew hides what was behind it from whoever reads the template.
        let sets = |block: &str| {
            let block = block.trim_start_matches(['-', '+']).trim_start();
            block.starts_with("set") || block.starts_with("with")
        };
        if template.split("{%").skip(1).any(sets) {
            names.extend(["fact".to_owned(), "campaign".to_owned()]);
        }
        names
    }

    fn problem(&self, template: &str, error: &Error, asked: &Asked) -> RenderProblem {
        let words = error
            .range()
            .and_then(|range| template.get(range))
            .map(|words| words.trim().to_owned())
            .filter(|words| !words.is_empty());
        let problem = |code, message: String, help: String| RenderProblem {
            code,
            message,
            help,
            words: words.clone(),
        };
        match (error.kind(), &asked.missing) {
            (ErrorKind::OutOfFuel, _) => too_much(words.clone()),
            (ErrorKind::UndefinedError | ErrorKind::UnknownFunction, Some(Missing::Fact(name))) => {
                let help = match nearest(name, self.facts.keys().map(String::as_str)) {
                    Some(near) => format!("did you mean `fact.{near}`?"),
                    None => format!("write `[fact.{name}]` with `value` and `source` in any file"),
                };
                problem(
                    "unknown-fact",
                    format!("there is no fact `{}`", shown(name)),
                    help,
                )
            }
            (ErrorKind::UndefinedError | ErrorKind::UnknownFunction, Some(Missing::Name(name))) => {
                let help = match nearest(name, NAMES.iter().map(|(name, _)| *name)) {
                    Some(near) => format!(
                        "did you mean `{}`?",
                        NAMES
                            .iter()
                            .find(|(name, _)| *name == near)
                            .map_or(near, |(_, example)| *example)
                    ),
                    None => format!(
                        "known are {}",
                        NAMES
                            .iter()
                            .map(|(_, example)| *example)
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                };
                problem("bad-template", format!("`{}` is not known", shown(name)), help)
            }
            (ErrorKind::InvalidOperation, _)
                if error.detail().is_some_and(|detail| detail.starts_with(OURS)) =>
            {
                let detail = error.detail().unwrap_or_default().trim_start_matches(OURS);
                let (message, help) = detail.split_once('\n').unwrap_or((detail, ""));
                problem("bad-template", message.to_owned(), help.to_owned())
            }
            _ => {
                let said = error
                    .detail()
                    .map_or_else(|| error.kind().to_string(), str::to_owned);
                if said.starts_with("unexpected end of input") {
                    let help = "write `}}` behind what is to be worked out, as in `{{ fact.verdict }}`";
                    return problem("bad-template", "`{{` or `{%` is never closed".into(), help.into());
                }
                problem(
                    "bad-template",
                    format!(
                        "the template cannot be worked out: {}",
                        crate::post::outcome::one_line(&said, 120)
                    ),
                    "it is written like `{{ fact.verdict }}` or `{{ years_since(2002) }}`".into(),
                )
            }
        }
    }
}

/// What a template asked for while it ran.
#[derive(Debug, Clone, Default)]
struct Asked {
    facts: BTreeSet<String>,
    /// Each once.
    terms: Vec<Term>,
    /// What was counted last.
    counted: Option<Term>,
    /// The last name that was not there.
    missing: Option<Missing>,
}

#[derive(Debug, Clone)]
enum Missing {
    Fact(String),
    Name(String),
}

/// The names that a template sees.
#[derive(Debug)]
struct Names {
    facts: Arc<BTreeMap<String, Fact>>,
    campaign: Value,
    account: String,
    language: String,
    due: Date,
    asked: Mutex<Asked>,
}

impl Names {
    fn missing(&self, missing: Missing) {
        if let Ok(mut asked) = self.asked.lock() {
            asked.missing = Some(missing);
        }
    }

    fn moves(&self, term: Term) {
        if let Ok(mut asked) = self.asked.lock() {
            if !matches!(term, Term::Plural(_) | Term::Today(_)) {
                asked.counted = Some(term.clone());
            }
            if !asked.terms.contains(&term) {
                asked.terms.push(term);
            }
        }
    }

    /// A function of one day.
    fn function(
        self: &Arc<Self>,
        work: impl Fn(&Self, Value) -> Result<Value, Error> + Send + Sync + 'static,
    ) -> Value {
        let names = self.clone();
        Value::from_function(move |day: Value| work(&names, day))
    }

    fn fact(&self, name: &str) -> Option<Value> {
        let Some(fact) = self.facts.get(name) else {
            self.missing(Missing::Fact(name.to_owned()));
            return None;
        };
        if let Ok(mut asked) = self.asked.lock() {
            asked.facts.insert(name.to_owned());
        }
        Some(Value::from(fact.value_in(&self.language)))
    }
}

impl Object for Names {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let due = self.due;
        match key.as_str()? {
            "fact" => Some(Value::from_object(Facts(self.clone()))),
            "campaign" => Some(self.campaign.clone()),
            "account" => Some(Value::from(BTreeMap::from([("name", self.account.clone())]))),
            "years_since" => Some(self.function(move |names, day: Value| {
                let years = years_since(&day, due)?;
                let text = day.to_string();
                let term = match text.parse::<i16>() {
                    Ok(year) => Term::YearsOf(year),
                    Err(_) => Term::Years(parse_day(&day, "years_since")?),
                };
                names.moves(term);
                Ok(Value::from(years))
            })),
            "days_since" => Some(self.function(move |names, day: Value| {
                let days = days(&day, due, 1, "days_since")?;
                names.moves(Term::DaysSince(parse_day(&day, "days_since")?));
                Ok(Value::from(days))
            })),
            "days_until" => Some(self.function(move |names, day: Value| {
                let days = days(&day, due, -1, "days_until")?;
                names.moves(Term::DaysUntil(parse_day(&day, "days_until")?));
                Ok(Value::from(days))
            })),
            "date" => {
                let names = self.clone();
                Some(Value::from_function(
                    move |day: Option<Value>, options: Kwargs| -> Result<String, Error> {
                        let format: Option<String> = options.get("format")?;
                        options.assert_all_used()?;
                        let day = if let Some(day) = day {
                            parse_day(&day, "date")?
                        } else {
                            names.moves(Term::Today(format.clone()));
                            due
                        };
                        match format {
                            Some(format) => formatted(day, &format, &names.language),
                            None => Ok(spelled(day, &names.language)),
                        }
                    },
                ))
            }
            "plural" => {
                let names = self.clone();
                Some(Value::from_function(
                    move |n: Value, forms: Kwargs| -> Result<String, Error> {
                        let n = parse_count(&n)?;
                        // In a text that calculates nothing, what was counted last is what is spoken of.
                        let last = names.asked.lock().ok().and_then(|asked| asked.counted.clone());
                        if let Some(last) = last {
                            names.moves(Term::Plural(Box::new(last)));
                        }
                        for (_, name) in FORMS {
                            forms.get::<Option<String>>(name)?;
                        }
                        forms.assert_all_used()?;
                        plural(n, &names.language, |form| forms.get(form))
                    },
                ))
            }
            other => {
                self.missing(Missing::Name(other.to_owned()));
                None
            }
        }
    }
}

/// `fact.NAME`.
#[derive(Debug)]
struct Facts(Arc<Names>);

impl Object for Facts {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.0.fact(key.as_str()?)
    }
}
