//! `table`: every state and every event. `rules`: one named test for each rule. `walk`: chance, against all
//! rules at once.

mod rules;
mod table;
mod walk;

use super::*;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// What a person in front of a doubt is told to do.
const LOOK: &str = "`resolve POST --sent URL` or `resolve POST --not-sent`";

fn due() -> Timestamp {
    "2026-12-01T09:00:00Z".parse().unwrap()
}

fn terms() -> Terms {
    Terms {
        parts: 1,
        due: due(),
        late: 2 * HOUR,
        gap: THREAD_GAP,
        expires: None,
        recurring: false,
        doubt: Doubt::Key {
            window: Some(50 * MINUTE),
            then: None,
        },
    }
}

fn fresh() -> Standing {
    Standing {
        state: State::Due,
        part: 0,
        tries: 0,
        not_before: due(),
        late_from: None,
        first_intent: None,
        unsure: None,
        resent: false,
        crashes: 0,
        why: None,
    }
}

/// A request is unaccounted for since the post was due.
fn unsure() -> Unsure {
    Unsure {
        since: due(),
        looks: 0,
        foreign: false,
    }
}

fn failure(class: Class) -> Failure {
    Failure::new(class, "the platform's words")
}

fn receipt(id: &str) -> Receipt {
    Receipt::named(id, None)
}

const CLASSES: [Class; 7] = [
    Class::Transient,
    Class::RateLimited { until: None },
    Class::Auth,
    Class::Rejected,
    Class::Duplicate,
    Class::Gone,
    Class::InDoubt,
];

/// One of each kind of event.
fn events() -> Vec<Event> {
    let shut = Gate {
        closed_until: Some(due() + HOUR),
        account_until: None,
        ..Gate::default()
    };
    let mut events = vec![Event::Wake(Gate::default()), Event::Wake(shut)];
    events.push(Event::Prepared(Ok(())));
    events.extend(CLASSES.map(|class| Event::Prepared(Err(failure(class)))));
    let why = "it is gone".to_owned();
    events.extend([
        Event::Differs { why },
        Event::Intended(Gate::default()),
        Event::Stopped,
    ]);
    events.push(Event::Answered(Ok(receipt("1"))));
    events.extend(CLASSES.map(|class| Event::Answered(Err(failure(class)))));
    events.push(Event::Orphaned {
        foreign: false,
        alone: false,
    });
    let found = [
        Found::Here(receipt("1")),
        Found::Absent,
        Found::Working,
        Found::Lapsed,
        Found::Refused("no".to_owned()),
        Found::Unclear("two".to_owned()),
    ];
    events.extend(found.map(|found| Event::Looked(Ok(found))));
    events.push(Event::Looked(Err(failure(Class::Transient))));
    events.extend([Event::Panicked, Event::ClockSet { back: true }]);
    let skip = Word::Skip {
        why: "not now".to_owned(),
    };
    let words = [Word::Retry, skip, Word::WasSent { url: None }, Word::WasNotSent];
    events.extend(words.map(Event::Told));
    events
}
