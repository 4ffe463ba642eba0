//! Each state and each event: what follows, or `·` for what cannot happen.

use super::*;

/// The event's name in the tables. A new kind of event does not compile until it has one.
fn row(event: &Event) -> String {
    let class = |class: &Class| match class {
        Class::Transient => "transient",
        Class::RateLimited { .. } => "rate limit",
        Class::Auth => "auth",
        Class::Rejected => "rejected",
        Class::Duplicate => "duplicate",
        Class::Gone => "gone",
        Class::InDoubt => "in doubt",
    };
    match event {
        Event::Wake(gate) if *gate == Gate::default() => "wake".to_owned(),
        Event::Wake(_) => "wake, shut".to_owned(),
        Event::Prepared(Ok(())) => "prepared".to_owned(),
        Event::Prepared(Err(failure)) => format!("prepare: {}", class(&failure.class)),
        Event::Differs { .. } => "another post".to_owned(),
        Event::Intended(_) => "intended".to_owned(),
        Event::Stopped => "stopped".to_owned(),
        Event::Answered(Ok(_)) => "accepted".to_owned(),
        Event::Answered(Err(failure)) => format!("answer: {}", class(&failure.class)),
        Event::Orphaned { .. } => "found at start".to_owned(),
        Event::Looked(Ok(Found::Here(_))) => "look: there".to_owned(),
        Event::Looked(Ok(Found::Absent)) => "look: absent".to_owned(),
        Event::Looked(Ok(Found::Working)) => "look: working".to_owned(),
        Event::Looked(Ok(Found::Lapsed)) => "look: lapsed".to_owned(),
        Event::Looked(Ok(Found::Refused(_))) => "look: refused".to_owned(),
        Event::Looked(Ok(Found::Unclear(_))) => "look: unclear".to_owned(),
        Event::Looked(Err(_)) => "look: failed".to_owned(),
        Event::Panicked => "panic".to_owned(),
        Event::ClockSet { .. } => "clock set".to_owned(),
        Event::Told(Word::Retry) => "retry".to_owned(),
        Event::Told(Word::Skip { .. }) => "skip".to_owned(),
        Event::Told(Word::WasSent { .. }) => "was sent".to_owned(),
        Event::Told(Word::WasNotSent) => "was not sent".to_owned(),
    }
}

/// What an event leads to: a state to rest in, or the next thing to do.
fn cell(standing: &Standing, terms: &Terms, event: Event) -> &'static str {
    // Long enough after it that any look is the last one.
    let now = if standing.doubted() {
        due() + 40 * MINUTE
    } else {
        due()
    };
    match step(standing, terms, event, now, 0.5) {
        Ok(next) => match (next.action, next.standing.state) {
            (Action::Prepare, state) if state == standing.state => "prepare",
            (Action::Intend, State::Sending) => "intend",
            (Action::Publish, State::Sending) => "publish",
            (Action::Look, State::InDoubt) => "look",
            (Action::Rest(_), state) => state.as_str(),
            (action, state) => panic!("{action:?} while {state}"),
        },
        Err(Impossible { state, .. }) => {
            assert_eq!(state, standing.state);
            "·"
        }
    }
}

/// Each event's row, with a column for each standing.
fn table(standings: &[Standing], terms: &Terms) -> String {
    let head = standings.iter().map(|standing| standing.state.as_str());
    let line = |name: &str, cells: Vec<&str>| {
        let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:9}")).collect();
        format!("{name:20}{}", cells.concat()).trim_end().to_owned()
    };
    let rows = events().into_iter().map(|event| {
        let cells = standings
            .iter()
            .map(|standing| cell(standing, terms, event.clone()));
        line(&row(&event), cells.collect())
    });
    let lines: Vec<String> = std::iter::once(line("", head.collect())).chain(rows).collect();
    lines.join("\n")
}

/// A post as it usually is in this state.
fn standing(state: State) -> Standing {
    let intended = matches!(state, State::Sending | State::InDoubt);
    Standing {
        state,
        part: u16::from(state == State::Sent),
        first_intent: intended.then(due),
        unsure: Some(unsure()).filter(|_| state == State::InDoubt),
        ..fresh()
    }
}

/// The same with an earlier request unaccounted for.
fn doubted(state: State) -> Standing {
    Standing {
        first_intent: Some(due()),
        unsure: Some(unsure()),
        ..standing(state)
    }
}

#[test]
fn every_state_knows_every_event_or_says_that_it_is_impossible() {
    let expected = "
                    due      sending  retrying in_doubt held     sent     rejected skipped
wake                prepare  ·        prepare  intend   ·        ·        ·        ·
wake, shut          due      ·        retrying in_doubt ·        ·        ·        ·
prepared            intend   ·        intend   ·        ·        ·        ·        ·
prepare: transient  retrying ·        retrying ·        ·        ·        ·        ·
prepare: rate limit retrying ·        retrying ·        ·        ·        ·        ·
prepare: auth       retrying ·        retrying ·        ·        ·        ·        ·
prepare: rejected   rejected ·        rejected ·        ·        ·        ·        ·
prepare: duplicate  retrying ·        retrying ·        ·        ·        ·        ·
prepare: gone       retrying ·        retrying ·        ·        ·        ·        ·
prepare: in doubt   retrying ·        retrying ·        ·        ·        ·        ·
another post        held     ·        held     ·        ·        ·        ·        ·
intended            ·        publish  ·        ·        ·        ·        ·        ·
stopped             ·        due      ·        ·        ·        ·        ·        ·
accepted            ·        sent     ·        ·        ·        ·        ·        ·
answer: transient   ·        retrying ·        ·        ·        ·        ·        ·
answer: rate limit  ·        retrying ·        ·        ·        ·        ·        ·
answer: auth        ·        retrying ·        ·        ·        ·        ·        ·
answer: rejected    ·        rejected ·        ·        ·        ·        ·        ·
answer: duplicate   ·        in_doubt ·        ·        ·        ·        ·        ·
answer: gone        ·        in_doubt ·        ·        ·        ·        ·        ·
answer: in doubt    ·        in_doubt ·        ·        ·        ·        ·        ·
found at start      ·        in_doubt ·        ·        ·        ·        ·        ·
look: there         ·        ·        ·        sent     ·        ·        ·        ·
look: absent        ·        ·        ·        in_doubt ·        ·        ·        ·
look: working       ·        ·        ·        in_doubt ·        ·        ·        ·
look: lapsed        ·        ·        ·        retrying ·        ·        ·        ·
look: refused       ·        ·        ·        rejected ·        ·        ·        ·
look: unclear       ·        ·        ·        held     ·        ·        ·        ·
look: failed        ·        ·        ·        in_doubt ·        ·        ·        ·
panic               retrying in_doubt retrying in_doubt ·        ·        ·        ·
clock set           ·        ·        ·        in_doubt ·        ·        ·        ·
retry               due      ·        due      ·        due      ·        due      due
skip                skipped  ·        skipped  skipped  skipped  ·        ·        ·
was sent            ·        ·        ·        sent     ·        ·        ·        ·
was not sent        ·        ·        ·        due      ·        ·        ·        ·";
    let actual = table(&State::ALL.map(standing), &terms());
    assert_eq!(actual, expected.trim_start_matches('\n'), "\n{actual}");
}

#[test]
fn with_a_request_unaccounted_for_nothing_but_an_answer_or_a_person_settles_it() {
    let expected = "
                    sending  in_doubt held     skipped
wake                ·        intend   ·        ·
wake, shut          ·        in_doubt ·        ·
prepared            ·        ·        ·        ·
prepare: transient  ·        ·        ·        ·
prepare: rate limit ·        ·        ·        ·
prepare: auth       ·        ·        ·        ·
prepare: rejected   ·        ·        ·        ·
prepare: duplicate  ·        ·        ·        ·
prepare: gone       ·        ·        ·        ·
prepare: in doubt   ·        ·        ·        ·
another post        ·        ·        ·        ·
intended            publish  ·        ·        ·
stopped             in_doubt ·        ·        ·
accepted            sent     ·        ·        ·
answer: transient   in_doubt ·        ·        ·
answer: rate limit  in_doubt ·        ·        ·
answer: auth        in_doubt ·        ·        ·
answer: rejected    held     ·        ·        ·
answer: duplicate   in_doubt ·        ·        ·
answer: gone        sent     ·        ·        ·
answer: in doubt    in_doubt ·        ·        ·
found at start      in_doubt ·        ·        ·
look: there         ·        sent     ·        ·
look: absent        ·        in_doubt ·        ·
look: working       ·        in_doubt ·        ·
look: lapsed        ·        retrying ·        ·
look: refused       ·        rejected ·        ·
look: unclear       ·        held     ·        ·
look: failed        ·        in_doubt ·        ·
panic               in_doubt in_doubt ·        ·
clock set           ·        in_doubt held     skipped
retry               ·        ·        ·        ·
skip                ·        skipped  skipped  ·
was sent            ·        sent     sent     sent
was not sent        ·        due      due      due";
    let states = [State::Sending, State::InDoubt, State::Held, State::Skipped];
    let actual = table(&states.map(doubted), &terms());
    assert_eq!(actual, expected.trim_start_matches('\n'), "\n{actual}");
}

/// A doubt of each strategy, when its time has come and when it is looked into.
#[test]
fn each_strategy_has_its_way_out_of_a_doubt() {
    let settle = Duration::ZERO;
    let strategies = [
        (
            "key",
            Doubt::Key {
                window: Some(50 * MINUTE),
                then: None,
            },
        ),
        (
            "key, then list",
            Doubt::Key {
                window: Some(30 * MINUTE),
                then: Some(settle),
            },
        ),
        ("own id", Doubt::OwnId),
        ("two steps", Doubt::TwoSteps { settle }),
        ("read back", Doubt::ReadBack { settle }),
        ("none", Doubt::Ask),
    ];
    let looked_enough = Standing {
        unsure: Some(Unsure { looks: 9, ..unsure() }),
        ..doubted(State::InDoubt)
    };
    let expected = "
key            wake: intend   absent: in_doubt expired: held
key, then list wake: look     absent: retrying expired: look
own id         wake: intend   absent: in_doubt expired: held
two steps      wake: look     absent: intend   expired: look
read back      wake: look     absent: retrying expired: look
none           wake: held     absent: in_doubt expired: held";
    let wake = || Event::Wake(Gate::default());
    let rows = strategies.map(|(name, doubt)| {
        let terms = Terms { doubt, ..terms() };
        let expired = Terms {
            expires: Some(due() + MINUTE),
            ..terms
        };
        let absent = cell(&looked_enough, &terms, Event::Looked(Ok(Found::Absent)));
        format!(
            "{name:15}wake: {:9}absent: {absent:9}expired: {}",
            cell(&looked_enough, &terms, wake()),
            cell(&looked_enough, &expired, wake())
        )
    });
    let actual = rows.join("\n");
    assert_eq!(actual, expected.trim_start_matches('\n'), "\n{actual}");
}
