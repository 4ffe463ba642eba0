//! The rules, one story each.

use super::*;

/// A post, its clock and the platform's answers, told one after the other.
struct Story {
    terms: Terms,
    standing: Standing,
    now: Timestamp,
    dice: f64,
}

impl Story {
    fn of(terms: Terms) -> Self {
        Self {
            terms,
            standing: fresh(),
            now: due(),
            dice: 1.0,
        }
    }

    fn thread(parts: u16) -> Self {
        Self::of(Terms { parts, ..terms() })
    }

    fn after(&mut self, wait: Duration) -> &mut Self {
        self.now += wait;
        self
    }

    fn on_time(&mut self) -> &mut Self {
        self.now = self.now.max(self.standing.not_before);
        self
    }

    fn hears(&mut self, event: Event) -> Action {
        let next = step(&self.standing, &self.terms, event, self.now, self.dice).unwrap();
        self.standing = next.standing;
        next.action
    }

    fn rests(&mut self, event: Event) -> Rest {
        match self.hears(event) {
            Action::Rest(rest) => rest,
            action => panic!("{action:?}"),
        }
    }

    fn wakes(&mut self) -> Action {
        self.hears(Event::Wake(Gate::default()))
    }

    /// Up to the intent, which is durable now.
    fn intends(&mut self) -> &mut Self {
        assert_eq!(self.wakes(), Action::Prepare);
        assert_eq!(self.hears(Event::Prepared(Ok(()))), Action::Intend);
        self
    }

    /// The whole way to the platform.
    fn leaves(&mut self) -> &mut Self {
        self.intends();
        assert_eq!(self.hears(Event::Intended(Gate::default())), Action::Publish);
        self
    }

    /// The way of the same request, a second time.
    fn leaves_again(&mut self) -> &mut Self {
        assert_eq!(self.wakes(), Action::Intend);
        assert_eq!(self.hears(Event::Intended(Gate::default())), Action::Publish);
        self
    }

    fn refused(&mut self, class: Class) -> Rest {
        self.rests(Event::Answered(Err(failure(class))))
    }

    fn accepted(&mut self) -> Rest {
        let id = self.standing.part.to_string();
        self.rests(Event::Answered(Ok(receipt(&id))))
    }

    fn told(&mut self, word: Word) -> Rest {
        self.rests(Event::Told(word))
    }

    fn cannot(&self, event: Event) {
        let next = step(&self.standing, &self.terms, event, self.now, self.dice);
        assert!(next.is_err(), "{next:?}");
    }

    #[track_caller]
    fn is(&self, state: State, why: &str) {
        let is = self.standing.why.as_deref().unwrap_or_default();
        assert!(
            self.standing.state == state && is.contains(why),
            "{:?}",
            self.standing
        );
    }
}

// --- its time -------------------------------------------------------------------------------------

#[test]
fn a_post_goes_the_whole_way() {
    let mut post = Story::of(terms());
    let rest = post.leaves().accepted();
    assert_eq!(rest.receipt, Some(receipt("0")));
    post.is(State::Sent, "");
}

#[test]
fn within_its_late_window_a_post_goes_out_and_after_it_a_dated_one_is_held() {
    let mut post = Story::of(terms());
    assert_eq!(post.after(2 * HOUR).wakes(), Action::Prepare);
    let mut post = Story::of(terms());
    post.after(2 * HOUR + MINUTE).wakes();
    post.is(
        State::Held,
        "late: its time was over before it could go out; `retry`",
    );
}

#[test]
fn a_late_occurrence_of_a_recurring_rule_is_skipped() {
    let mut post = Story::of(Terms {
        recurring: true,
        ..terms()
    });
    post.after(2 * HOUR + MINUTE).wakes();
    post.is(State::Skipped, "missed");
}

#[test]
fn an_expired_post_is_skipped_at_that_very_instant() {
    let terms = Terms {
        expires: Some(due() + MINUTE),
        ..terms()
    };
    let mut post = Story::of(terms);
    post.after(MINUTE).wakes();
    post.is(State::Skipped, "it expired");
}

#[test]
fn an_expired_thread_is_held_and_no_word_sends_the_rest() {
    let terms = Terms {
        parts: 2,
        expires: Some(due() + MINUTE),
        ..terms()
    };
    let mut post = Story::of(terms);
    post.leaves().accepted();
    post.after(MINUTE).wakes();
    post.is(State::Held, "it expired when only a part of the thread was out");
    assert!(!post.standing.why.as_deref().unwrap().contains("retry"));
    post.told(Word::Retry);
    post.wakes();
    post.is(State::Held, "it expired");
}

#[test]
fn what_expires_while_it_is_prepared_never_leaves() {
    let terms = Terms {
        expires: Some(due() + MINUTE),
        ..terms()
    };
    let mut post = Story::of(terms);
    post.intends()
        .after(MINUTE)
        .rests(Event::Intended(Gate::default()));
    post.is(State::Skipped, "it expired");
    assert_eq!(post.standing.first_intent, None);
}

#[test]
fn t4_what_becomes_late_while_the_machine_sleeps_never_leaves() {
    let mut post = Story::of(terms());
    post.intends()
        .after(5 * HOUR)
        .rests(Event::Intended(Gate::default()));
    post.is(State::Held, "late");
    post.told(Word::Retry);
    post.leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn quiet_hours_are_waited_out_and_do_not_make_a_post_late() {
    let mut post = Story::of(terms());
    let morning = due() + 9 * HOUR;
    let gate = Gate {
        closed_until: Some(morning),
        account_until: Some(due() + MINUTE),
        ..Gate::default()
    };
    post.rests(Event::Wake(gate));
    post.is(State::Due, "");
    assert_eq!(post.standing.not_before, morning, "the later of both");
    post.on_time().leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn p23_a_platform_that_cannot_be_reached_makes_a_post_late_as_any_failure_does() {
    let mut post = Story::of(terms());
    let gate = Gate {
        unreachable_until: Some(due() + 3 * HOUR),
        ..Gate::default()
    };
    post.rests(Event::Wake(gate));
    assert_eq!(
        post.standing.not_before,
        due(),
        "it may be back at once, and its senders know"
    );
    post.after(3 * HOUR).wakes();
    post.is(State::Held, "late");
}

#[test]
fn what_waited_its_turn_has_its_whole_late_window_from_then() {
    let mut post = Story::of(terms());
    let turn = due() + 5 * HOUR;
    let gate = Gate {
        closed_until: None,
        account_until: Some(turn),
        ..Gate::default()
    };
    post.rests(Event::Wake(gate));
    post.on_time().leaves().refused(Class::Transient);
    post.is(State::Retrying, "");
    post.on_time().leaves().refused(Class::Transient);
    post.is(State::Retrying, "");
    // A daemon that was down is another matter.
    post.now = turn + 2 * HOUR + MINUTE;
    post.wakes();
    post.is(State::Held, "late");
}

// --- certainly not accepted -----------------------------------------------------------------------

#[test]
fn a_definite_failure_waits_with_full_jitter_longer_each_time() {
    for (dice, waits_s) in [(0.0, [1, 1, 1, 1]), (1.0, [5, 30, 120, 600])] {
        let mut post = Story::of(terms());
        post.dice = dice;
        for (tries, wait_s) in (1..).zip(waits_s) {
            let rest = post.on_time().leaves().refused(Class::Transient);
            assert_eq!(rest.failure, Some(failure(Class::Transient)));
            post.is(State::Retrying, "");
            assert_eq!(post.standing.not_before, post.now + Duration::from_secs(wait_s));
            assert_eq!(post.standing.tries, tries);
        }
    }
}

#[test]
fn a_definite_failure_is_retried_until_the_late_window_ends_and_then_held() {
    let mut post = Story::of(terms());
    while post.standing.state != State::Held {
        post.on_time().leaves().refused(Class::Transient);
        assert!(post.now <= due() + 2 * HOUR);
    }
    // After 5 s, 30 s, 2 m, 10 m and 30 m; then always half of what is left, down to the last minute.
    post.is(
        State::Held,
        "gave up after 13 tries, the last one said: the platform's words; `retry`",
    );
}

#[test]
fn a_failure_is_not_retried_at_or_after_the_expiry() {
    let mut post = Story::of(Terms {
        expires: Some(due() + Duration::from_secs(5)),
        ..terms()
    });
    post.leaves().refused(Class::Transient);
    post.is(State::Held, "gave up after 1 tries");
}

#[test]
fn a_doubtful_answer_to_preparing_is_a_plain_failure() {
    for class in [Class::InDoubt, Class::Duplicate, Class::Gone] {
        let mut post = Story::of(terms());
        post.wakes();
        let rest = post.rests(Event::Prepared(Err(failure(class))));
        post.is(State::Retrying, "");
        assert_eq!(rest.failure, Some(failure(Class::Transient)));
        assert!(!post.standing.doubted());
    }
}

#[test]
fn p5_a_rate_limit_makes_the_account_wait_and_is_no_attempt() {
    let mut post = Story::of(terms());
    let until = due() + 3 * HOUR;
    let rest = post.leaves().refused(Class::RateLimited { until: Some(until) });
    assert_eq!(rest.account, Some(ForAccount::WaitsUntil(until)));
    post.is(State::Retrying, "");
    assert_eq!((post.standing.tries, post.standing.not_before), (0, until));
    // It waited its turn, as the account's other posts did, so it is not late.
    post.on_time().leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn p6_p7_a_rate_limit_without_an_end_or_one_in_the_past_waits_longer_each_time() {
    for until in [None, Some(due() - HOUR), Some(due())] {
        let mut post = Story::of(terms());
        for wait_s in [30, 30, 120, 600] {
            let rest = post.on_time().leaves().refused(Class::RateLimited { until });
            let next = post.now + Duration::from_secs(wait_s);
            assert_eq!(rest.account, Some(ForAccount::WaitsUntil(next)));
            assert_eq!(post.standing.not_before, next);
        }
    }
}

#[test]
fn p9_refused_credentials_hold_the_account_and_lose_nothing() {
    let mut post = Story::of(terms());
    let rest = post.leaves().refused(Class::Auth);
    let why = "credentials refused: the platform's words".to_owned();
    assert_eq!(rest.account, Some(ForAccount::Held { why }));
    post.is(State::Retrying, "");
    assert_eq!(post.standing.tries, 0);
    post.after(HOUR).leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn a_refusal_for_good_ends_a_post_in_the_platforms_words() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::Rejected);
    post.is(State::Rejected, "the platform's words");
}

// --- threads --------------------------------------------------------------------------------------

#[test]
fn the_parts_of_a_thread_follow_each_other() {
    let mut post = Story::thread(3);
    for part in 0..3 {
        assert_eq!(post.standing.part, part);
        let rest = post.leaves().accepted();
        assert_eq!(rest.receipt, Some(receipt(&part.to_string())));
    }
    post.is(State::Sent, "");
}

#[test]
fn p10_refused_credentials_in_a_thread_resume_at_that_part() {
    let mut post = Story::thread(3);
    post.leaves().accepted();
    post.leaves().accepted();
    post.leaves().refused(Class::Auth);
    assert_eq!(post.standing.part, 2);
    let rest = post.after(20 * MINUTE).leaves().accepted();
    assert_eq!(rest.receipt, Some(receipt("2")));
    post.is(State::Sent, "");
}

#[test]
fn a_refused_part_holds_the_rest_of_the_thread() {
    let mut post = Story::thread(3);
    post.leaves().accepted();
    post.leaves().refused(Class::Rejected);
    post.is(
        State::Held,
        "part 2 of the thread was refused: the platform's words; `retry`",
    );
    post.told(Word::Retry);
    assert_eq!(post.standing.part, 1);
    post.leaves().accepted();
    assert_eq!(post.standing.part, 2);
}

#[test]
fn a_thread_that_broke_off_more_than_30_minutes_ago_is_held() {
    let mut post = Story::thread(2);
    post.leaves().accepted();
    assert_eq!(post.after(30 * MINUTE).wakes(), Action::Prepare);
    post.after(MINUTE).wakes();
    post.is(
        State::Held,
        "the thread broke off more than 30 minutes ago: `retry`",
    );
    post.told(Word::Retry);
    post.leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn no_wait_is_an_excuse_for_a_thread_that_broke_off() {
    let later = due() + HOUR;
    let quiet = Event::Wake(Gate {
        closed_until: Some(later),
        account_until: None,
        ..Gate::default()
    });
    let limit = Class::RateLimited { until: Some(later) };
    for (event, state) in [
        (quiet, State::Due),
        (Event::Prepared(Err(failure(limit))), State::Retrying),
    ] {
        let mut post = Story::thread(2);
        post.leaves().accepted();
        post.rests(event);
        post.is(state, "");
        post.on_time().wakes();
        post.is(State::Held, "the thread broke off");
    }
}

#[test]
fn a_failing_part_is_retried_for_30_minutes_however_late_the_thread_is() {
    let mut post = Story::thread(2);
    post.after(2 * HOUR).leaves().accepted();
    let began = post.now;
    while post.standing.state != State::Held {
        post.on_time().leaves().refused(Class::Transient);
    }
    // After 5 s, 30 s, 2 m and 10 m; then always half of what is left of the half hour, down to the last minute.
    post.is(State::Held, "gave up after 10 tries");
    assert!(since(began, post.now) > Duration::from_mins(29));
}

// --- asking the platform --------------------------------------------------------------------------

const SETTLE: Duration = Duration::from_mins(10);

fn read_back() -> Terms {
    Terms {
        doubt: Doubt::ReadBack { settle: SETTLE },
        ..terms()
    }
}

fn two_steps() -> Terms {
    Terms {
        doubt: Doubt::TwoSteps { settle: 5 * MINUTE },
        ..terms()
    }
}

impl Story {
    /// Its next look, and what the platform says.
    fn looks(&mut self, found: Found) -> Action {
        assert_eq!(self.on_time().wakes(), Action::Look);
        self.hears(Event::Looked(Ok(found)))
    }

    /// A platform that never has it, until that is believed.
    fn is_not_there(&mut self) -> &mut Self {
        while self.standing.state == State::InDoubt {
            self.looks(Found::Absent);
        }
        self
    }
}

#[test]
fn p30_one_that_is_found_is_sent_however_late_the_list_is() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    for age_s in [5, 20, 60, 180] {
        assert_eq!(post.standing.not_before, due() + Duration::from_secs(age_s));
        post.looks(Found::Absent);
        post.is(State::InDoubt, "");
    }
    let Action::Rest(rest) = post.looks(Found::Here(receipt("7"))) else {
        panic!("{:?}", post.standing);
    };
    assert_eq!(rest.receipt, Some(receipt("7")));
    post.is(State::Sent, "");
}

#[test]
fn what_a_settled_list_does_not_have_is_sent_once_more_and_then_a_person_is_asked() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    post.is_not_there().is(State::Retrying, "");
    assert_eq!(post.now, due() + SETTLE);
    post.leaves().refused(Class::InDoubt);
    post.is_not_there().is(State::Held, "it was sent twice");
    assert!(post.standing.doubted());
}

#[test]
fn a_list_is_believed_after_enough_looks_and_not_after_enough_time_alone() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    post.after(SETTLE);
    for _ in 0..2 {
        post.looks(Found::Absent);
        post.is(State::InDoubt, "");
    }
    post.looks(Found::Absent);
    post.is(State::Retrying, "");
}

#[test]
fn what_is_late_when_its_list_has_settled_is_not_sent_again() {
    let mut post = Story::of(read_back());
    post.after(119 * MINUTE).leaves().refused(Class::InDoubt);
    post.is_not_there().wakes();
    post.is(State::Held, "late");
    assert!(!post.standing.doubted());
}

#[test]
fn a_look_waits_for_no_quiet_hours_and_no_expiry() {
    let mut post = Story::of(Terms {
        expires: Some(due() + Duration::from_secs(1)),
        ..read_back()
    });
    post.leaves().refused(Class::InDoubt);
    post.on_time();
    let night = Gate {
        closed_until: Some(due() + 9 * HOUR),
        account_until: None,
        ..Gate::default()
    };
    assert_eq!(post.hears(Event::Wake(night)), Action::Look);
    post.rests(Event::Looked(Ok(Found::Absent)));
    post.is_not_there().wakes();
    post.is(State::Skipped, "it expired");
}

#[test]
fn p32_a_list_that_cannot_be_read_is_not_an_absence() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    while post.standing.state == State::InDoubt {
        assert!(post.now <= due() + HOUR);
        assert_eq!(post.on_time().wakes(), Action::Look);
        post.rests(Event::Looked(Err(failure(Class::Transient))));
    }
    assert_eq!(post.now, due() + HOUR);
    post.is(State::Held, LOOK);
}

#[test]
fn a_look_that_is_refused_stops_the_account_and_not_the_looking() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    post.on_time().wakes();
    let rest = post.rests(Event::Looked(Err(failure(Class::Auth))));
    assert!(matches!(rest.account, Some(ForAccount::Held { .. })));
    let until = post.now + HOUR;
    let limited = failure(Class::RateLimited { until: Some(until) });
    post.wakes();
    let rest = post.rests(Event::Looked(Err(limited)));
    assert_eq!(rest.account, Some(ForAccount::WaitsUntil(until)));
    post.looks(Found::Here(receipt("7")));
    post.is(State::Sent, "");
}

#[test]
fn p33_one_that_only_a_person_can_tell_is_held_in_those_words() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::Duplicate);
    post.looks(Found::Unclear("there are two".to_owned()));
    post.is(State::Held, "in doubt: there are two");
    post.told(Word::WasNotSent);
    post.is(State::Due, "");
}

#[test]
fn p35_a_container_that_was_published_is_sent() {
    let mut post = Story::of(two_steps());
    post.leaves().refused(Class::InDoubt);
    post.looks(Found::Working);
    post.looks(Found::Here(receipt("7")));
    post.is(State::Sent, "");
}

#[test]
fn a_container_that_stays_unpublished_is_published_again_and_no_other() {
    let mut post = Story::of(two_steps());
    post.leaves().refused(Class::InDoubt);
    let published_again = loop {
        match post.looks(Found::Absent) {
            Action::Rest(_) => assert!(post.standing.state == State::InDoubt),
            action => break action,
        }
    };
    assert_eq!(
        published_again,
        Action::Intend,
        "the frozen one, not one prepared anew"
    );
    assert!(post.now >= due() + 5 * MINUTE);
    assert_eq!(post.hears(Event::Intended(Gate::default())), Action::Publish);
    // The platform says that it was published already: that is looked at, not believed.
    post.refused(Class::Rejected);
    post.is(State::InDoubt, "");
    post.looks(Found::Here(receipt("7")));
    post.is(State::Sent, "");
}

#[test]
fn p34_a_container_that_ran_out_is_made_anew_and_a_refused_one_is_a_refusal() {
    let mut post = Story::of(two_steps());
    post.leaves().refused(Class::InDoubt);
    post.looks(Found::Lapsed);
    post.is(State::Retrying, "");
    post.leaves().refused(Class::InDoubt);
    post.looks(Found::Refused("too long".to_owned()));
    post.is(State::Rejected, "too long");

    let mut post = Story::of(two_steps());
    post.leaves().refused(Class::InDoubt);
    while post.standing.state == State::InDoubt {
        post.looks(Found::Working);
    }
    post.is(State::Held, LOOK);
    assert_eq!(post.now, due() + 30 * MINUTE, "stuck for half an hour");
}

#[test]
fn what_another_replica_was_sending_is_never_sent_again_by_us_for_want_of_it_in_a_list() {
    for terms in [read_back(), two_steps()] {
        let mut post = Story::of(terms);
        post.leaves().rests(Event::Orphaned {
            foreign: true,
            alone: true,
        });
        assert_eq!(post.standing.crashes, 0, "it did not take us down");
        post.is_not_there()
            .is(State::Held, "another replica was sending this");
        let mut post = Story::of(terms);
        post.leaves().rests(Event::Orphaned {
            foreign: true,
            alone: true,
        });
        post.looks(Found::Here(receipt("7")));
        post.is(State::Sent, "");
    }
}

#[test]
fn a_list_settles_from_when_the_lock_was_obtained_and_not_from_the_intent() {
    let mut post = Story::of(read_back());
    post.leaves().after(HOUR).rests(Event::Orphaned {
        foreign: false,
        alone: false,
    });
    let taken = post.now;
    post.is_not_there();
    assert_eq!(post.now, taken + SETTLE);
}

#[test]
fn p27_when_the_keys_window_has_passed_the_list_is_asked_and_a_new_key_may_begin() {
    let doubt = Doubt::Key {
        window: Some(50 * MINUTE),
        then: Some(SETTLE),
    };
    let mut post = Story::of(Terms { doubt, ..terms() });
    post.leaves().refused(Class::InDoubt);
    post.after(50 * MINUTE);
    assert_eq!(post.wakes(), Action::Look);
    post.rests(Event::Looked(Ok(Found::Absent)));
    post.is_not_there().is(State::Retrying, "");
    post.leaves().refused(Class::InDoubt);
    post.on_time().leaves_again().accepted();
    post.is(State::Sent, "");
}

#[test]
fn t2_a_clock_set_back_makes_every_keys_age_unknown() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    post.rests(Event::ClockSet { back: true });
    post.now = due() - 2 * HOUR;
    post.wakes();
    post.is(State::Held, LOOK);
    // Even if nobody said so: a key from the future is not trusted.
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    post.now = due() - 2 * HOUR;
    post.wakes();
    post.is(State::Held, LOOK);
}

#[test]
fn t1_a_clock_set_forward_settles_no_list_sooner() {
    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    post.looks(Found::Absent);
    post.looks(Found::Absent);
    post.after(HOUR).rests(Event::ClockSet { back: false });
    let set = post.now;
    post.is_not_there();
    assert_eq!(post.now, set + SETTLE);
}

#[test]
fn s1_what_took_the_process_down_three_times_by_itself_is_held() {
    let mut post = Story::of(terms());
    let crash = Event::Orphaned {
        foreign: false,
        alone: true,
    };
    post.leaves().rests(crash.clone());
    for _ in 0..2 {
        post.is(State::InDoubt, "");
        post.leaves_again().rests(crash.clone());
    }
    post.is(State::Held, "stopped 3 times while it was sending this");
    post.told(Word::WasNotSent);
    assert_eq!(post.standing.crashes, 0);
    // Among others it may be anybody's fault.
    let mut post = Story::of(terms());
    post.leaves().rests(Event::Orphaned {
        foreign: false,
        alone: false,
    });
    assert_eq!(post.standing.crashes, 0);
}

#[test]
fn quiet_hours_that_begin_after_the_intent_stop_it_right_before_the_request() {
    let mut post = Story::of(terms());
    let morning = due() + 9 * HOUR;
    let night = Gate {
        closed_until: Some(morning),
        account_until: None,
        ..Gate::default()
    };
    post.intends().rests(Event::Intended(night));
    post.is(State::Due, "");
    assert_eq!(
        (post.standing.not_before, post.standing.first_intent),
        (morning, None)
    );
    post.on_time().leaves().accepted();
    post.is(State::Sent, "");
}

// --- in doubt -------------------------------------------------------------------------------------

#[test]
fn p12_p13_in_doubt_the_same_request_is_sent_again_while_its_key_lives() {
    let mut post = Story::of(terms());
    let rest = post.leaves().refused(Class::InDoubt);
    post.is(State::InDoubt, "");
    assert_eq!(rest.failure, Some(failure(Class::InDoubt)));
    assert_eq!(post.standing.not_before, due() + Duration::from_secs(5));
    post.on_time().leaves_again().refused(Class::InDoubt);
    assert_eq!(
        post.standing.not_before,
        post.now + Duration::from_secs(30),
        "longer each time"
    );
    assert_eq!(post.standing.first_intent, Some(due()));
    post.now = due() + 50 * MINUTE - Duration::from_secs(1);
    post.leaves_again().accepted();
    post.is(State::Sent, "");
    assert!(!post.standing.doubted());
}

#[test]
fn p27_when_the_keys_window_has_passed_a_person_is_asked() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    post.now = due() + 50 * MINUTE;
    post.wakes();
    post.is(State::Held, LOOK);
    assert!(post.standing.doubted());
}

#[test]
fn p27_a_key_that_dies_while_the_machine_sleeps_sends_nothing() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    assert_eq!(post.on_time().wakes(), Action::Intend);
    post.after(HOUR).rests(Event::Intended(Gate::default()));
    post.is(State::Held, LOOK);
    assert!(post.standing.doubted());
}

#[test]
fn an_id_of_our_own_settles_a_doubt_for_ever() {
    for doubt in [
        Doubt::OwnId,
        Doubt::Key {
            window: None,
            then: None,
        },
    ] {
        let mut post = Story::of(Terms { doubt, ..terms() });
        post.leaves().refused(Class::InDoubt);
        post.after(1000 * HOUR).leaves_again().accepted();
        post.is(State::Sent, "");
    }
}

#[test]
fn where_no_request_can_settle_it_a_person_is_asked() {
    let mut post = Story::of(Terms {
        doubt: Doubt::Ask,
        ..terms()
    });
    post.leaves().refused(Class::InDoubt);
    post.on_time().wakes();
    post.is(State::Held, LOOK);
}

#[test]
fn p28_a_duplicate_is_evidence_and_not_proof() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::Duplicate);
    post.is(State::InDoubt, "");
    assert!(post.standing.doubted());
}

#[test]
fn one_in_doubt_waits_for_quiet_hours_too_and_never_leaves_after_its_expiry() {
    let expires = due() + 10 * MINUTE;
    let mut post = Story::of(Terms {
        expires: Some(expires),
        ..terms()
    });
    post.leaves().refused(Class::InDoubt);
    let gate = Gate {
        closed_until: Some(expires),
        account_until: None,
        ..Gate::default()
    };
    post.on_time().rests(Event::Wake(gate));
    post.is(State::InDoubt, "");
    assert_eq!(post.standing.not_before, expires);
    post.on_time().wakes();
    post.is(State::Held, LOOK);
}

#[test]
fn no_refusal_of_the_second_request_proves_that_the_first_was_not_accepted() {
    let until = Some(due() + MINUTE);
    for (class, state) in [
        (Class::Transient, State::InDoubt),
        (Class::RateLimited { until }, State::InDoubt),
        (Class::Auth, State::InDoubt),
        (Class::Rejected, State::Held),
        (Class::Duplicate, State::InDoubt),
        (Class::InDoubt, State::InDoubt),
    ] {
        let mut post = Story::of(terms());
        post.leaves().refused(Class::InDoubt);
        post.on_time().leaves_again().refused(class);
        assert_eq!(post.standing.state, state, "{class:?}");
        assert!(post.standing.doubted(), "{class:?}");
        assert_eq!(
            post.standing.first_intent,
            Some(due()),
            "the key is as old as it was"
        );
        if state == State::Held {
            post.is(state, LOOK);
        }
    }
}

#[test]
fn a_definite_failure_before_any_doubt_begins_a_new_keys_life() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::Transient);
    assert_eq!(post.standing.first_intent, None);
    let again = post.on_time().now;
    post.leaves().refused(Class::InDoubt);
    assert_eq!(post.standing.first_intent, Some(again));
}

#[test]
fn s1_what_a_kill_left_behind_is_in_doubt_and_sent_again_at_once() {
    let mut post = Story::of(terms());
    post.leaves().after(MINUTE);
    let rest = post.rests(Event::Orphaned {
        foreign: false,
        alone: false,
    });
    post.is(State::InDoubt, "");
    assert_eq!(rest.failure.unwrap().class, Class::InDoubt);
    assert!(post.standing.doubted());
    assert_eq!(post.standing.not_before, post.now);
    post.leaves_again().accepted();
    post.is(State::Sent, "");
}

// --- holds ----------------------------------------------------------------------------------------

#[test]
fn a_hold_between_intent_and_request_loses_nothing() {
    let mut post = Story::of(terms());
    let before = post.standing.clone();
    post.intends().rests(Event::Stopped);
    assert_eq!(post.standing, before);
    post.after(HOUR).leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn a_hold_between_intent_and_request_leaves_a_doubt_as_it_was() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    assert_eq!(post.on_time().wakes(), Action::Intend);
    post.rests(Event::Stopped);
    post.is(State::InDoubt, "");
    assert!(post.standing.doubted());
    assert_eq!(post.standing.first_intent, Some(due()));
    post.leaves_again().accepted();
    post.is(State::Sent, "");
}

#[test]
fn being_held_makes_a_post_late() {
    let mut post = Story::of(terms());
    post.after(HOUR).intends().rests(Event::Stopped);
    post.after(HOUR + MINUTE).wakes();
    post.is(State::Held, "late");
}

// --- people ---------------------------------------------------------------------------------------

#[test]
fn a_retried_post_has_its_whole_late_window_again() {
    let mut post = Story::of(terms());
    post.after(10 * HOUR).wakes();
    post.is(State::Held, "late");
    post.told(Word::Retry);
    post.leaves().refused(Class::Transient);
    post.is(State::Retrying, "");
    assert_eq!(post.standing.tries, 1);
    post.on_time().leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn a_rejected_post_can_be_retried_when_it_is_mended() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::Rejected);
    post.told(Word::Retry);
    post.is(State::Due, "");
    assert_eq!(post.standing.why, None);
    post.leaves();
}

#[test]
fn a_persons_skip_is_kept_with_its_reason() {
    let mut post = Story::of(terms());
    let why = "the hearing was moved".to_owned();
    post.told(Word::Skip { why });
    post.is(State::Skipped, "the hearing was moved");
    post.cannot(Event::Wake(Gate::default()));
}

#[test]
fn a_person_who_saw_it_settles_a_doubt_and_a_thread_goes_on() {
    let url = Some("https://mastodon.example/@campaign/1".to_owned());
    let mut post = Story::thread(2);
    post.leaves().refused(Class::InDoubt);
    let rest = post.told(Word::WasSent { url: url.clone() });
    assert_eq!(rest.receipt.unwrap().url, url);
    post.is(State::Due, "");
    assert_eq!((post.standing.part, post.standing.doubted()), (1, false));
}

#[test]
fn a_person_who_did_not_see_it_lets_it_be_prepared_anew() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    post.after(10 * HOUR).wakes();
    post.is(State::Held, LOOK);
    post.told(Word::WasNotSent);
    assert_eq!(post.standing.first_intent, None);
    post.leaves().accepted();
    post.is(State::Sent, "");
}

#[test]
fn to_skip_one_in_doubt_does_not_settle_the_doubt() {
    let mut post = Story::thread(2);
    post.leaves().refused(Class::InDoubt);
    let why = "no more of this".to_owned();
    post.told(Word::Skip { why });
    post.cannot(Event::Told(Word::Retry));
    // It turns out that it was there: recorded, and the rest stays skipped.
    let rest = post.told(Word::WasSent { url: None });
    assert!(rest.receipt.is_some());
    post.is(State::Skipped, "no more of this");
    assert_eq!((post.standing.part, post.standing.doubted()), (1, false));
}

#[test]
fn nobody_touches_a_post_in_flight() {
    let mut post = Story::of(terms());
    post.leaves();
    let skip = Word::Skip { why: String::new() };
    for word in [Word::Retry, skip, Word::WasSent { url: None }, Word::WasNotSent] {
        post.cannot(Event::Told(word));
    }
}

#[test]
fn sent_is_final() {
    let mut post = Story::of(terms());
    post.leaves().accepted();
    for event in events() {
        post.cannot(event);
    }
}

// --- what is not the platform's, and what is a fault of ours ---------------------------------------

#[test]
fn p18_a_redirect_holds_the_account_and_says_where_it_led() {
    let led_away = |class| Failure::new(class, "it redirects to evil.example").with_status(308);
    let mut post = Story::of(terms());
    let rest = post
        .leaves()
        .rests(Event::Answered(Err(led_away(Class::InDoubt))));
    post.is(State::InDoubt, "");
    let Some(ForAccount::Held { why }) = rest.account else {
        panic!("{rest:?}")
    };
    assert!(
        why.starts_with("redirected: it redirects to evil.example"),
        "{why}"
    );

    let mut post = Story::of(terms());
    post.wakes();
    let rest = post.rests(Event::Prepared(Err(led_away(Class::InDoubt))));
    post.is(State::Retrying, "");
    assert!(matches!(rest.account, Some(ForAccount::Held { .. })), "{rest:?}");
}

#[test]
fn odd_answers_in_the_platforms_place_hold_the_account_when_they_come_again_and_again() {
    let page = || Failure::new(Class::InDoubt, "<html>blocked</html>").with_status(403);
    let mut post = Story::of(terms());
    post.leaves();
    for held in [false, false, true] {
        let rest = post.rests(Event::Answered(Err(page())));
        post.is(State::InDoubt, "");
        assert_eq!(matches!(rest.account, Some(ForAccount::Held { .. })), held);
        post.on_time().leaves_again();
    }
}

#[test]
fn p26_a_repeat_that_finds_its_status_deleted_is_sent_and_never_sent_again() {
    let mut post = Story::of(terms());
    post.leaves().refused(Class::InDoubt);
    let rest = post.on_time().leaves_again().refused(Class::Gone);
    post.is(State::Sent, "");
    assert_eq!(rest.receipt, Some(Receipt::named("deleted since", None)));
    // Of a first request it proves nothing.
    let mut post = Story::of(terms());
    post.leaves().refused(Class::Gone);
    post.is(State::InDoubt, "");
}

#[test]
fn p31_a_list_that_lags_by_more_than_it_settles_costs_one_double_which_is_said() {
    const LAG: Duration = Duration::from_mins(20);
    let mut post = Story::of(read_back());
    let (mut accepted, mut told) = (Vec::new(), Vec::new());
    post.leaves();
    accepted.push(post.now);
    post.refused(Class::InDoubt);
    while matches!(post.standing.state, State::InDoubt | State::Retrying) {
        match post.on_time().wakes() {
            Action::Look => {
                let shown: Vec<_> = accepted
                    .iter()
                    .filter(|at| since(**at, post.now) >= LAG)
                    .collect();
                let found = match shown.len() {
                    0 => Found::Absent,
                    1 => Found::Here(receipt("1")),
                    _ => Found::Unclear("the account has it more than once".to_owned()),
                };
                let rest = post.rests(Event::Looked(Ok(found)));
                told.extend(rest.failure.map(|failure| failure.words));
            }
            Action::Prepare => {
                post.hears(Event::Prepared(Ok(())));
                post.hears(Event::Intended(Gate::default()));
                accepted.push(post.now);
                post.refused(Class::InDoubt);
            }
            action => panic!("{action:?}"),
        }
    }
    assert_eq!(accepted.len(), 2, "at most one more, ever");
    assert_eq!(told.len(), 1);
    assert!(
        told[0].contains("for 10 minutes, so it is sent once more"),
        "{told:?}"
    );
}

#[test]
fn s15_a_post_whose_adapter_panics_again_and_again_is_held() {
    let mut post = Story::of(terms());
    for _ in 0..2 {
        post.on_time().wakes();
        post.rests(Event::Panicked);
        post.is(State::Retrying, "");
        assert!(post.standing.not_before > post.now, "no panic loop");
    }
    post.on_time().wakes();
    post.rests(Event::Panicked);
    post.is(State::Held, "the program failed 3 times while it prepared this");

    let mut post = Story::of(terms());
    post.leaves();
    for _ in 0..2 {
        post.rests(Event::Panicked);
        post.is(State::InDoubt, "");
        assert!(post.standing.doubted() && post.standing.not_before > post.now);
        post.on_time().leaves_again();
    }
    post.rests(Event::Panicked);
    post.is(State::Held, LOOK);

    let mut post = Story::of(read_back());
    post.leaves().refused(Class::InDoubt);
    for _ in 0..2 {
        assert_eq!(post.on_time().wakes(), Action::Look);
        post.rests(Event::Panicked);
        post.is(State::InDoubt, "");
        assert!(post.standing.not_before > post.now, "no panic loop");
    }
    post.on_time().wakes();
    post.rests(Event::Panicked);
    post.is(State::Held, LOOK);
}
