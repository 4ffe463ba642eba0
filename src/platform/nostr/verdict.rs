//! What the answers of several relays come to.

use crate::post::outcome::{Class, Failure};

/// What each relay answered, by its host, in the order of the settings.
pub(super) type Answers<'a> = Vec<(&'a str, Result<(), Failure>)>;

/// A post is out once `enough` relays have it, or some have it and no other ever will; then it says which have not.
/// While some have it and others may yet take it, it is in doubt, which the same event to all of them ends.
pub(super) fn verdict(answers: &Answers<'_>, enough: usize) -> Result<Option<String>, Failure> {
    let classes: Vec<Class> = refusals(answers).map(|(_, failure)| failure.class).collect();
    let accepted = answers.len() - classes.len();
    let told = || {
        format!(
            "only {accepted} of {} relays have it; {}",
            answers.len(),
            words(answers)
        )
    };
    let for_good = |class: &Class| matches!(class, Class::Rejected | Class::Auth | Class::Gone);
    if classes.is_empty() {
        return Ok(None);
    }
    if accepted >= enough || (accepted > 0 && classes.iter().all(for_good)) {
        return Ok(Some(told()));
    }
    if accepted > 0 {
        return Err(Failure::new(Class::InDoubt, told()));
    }
    // What one may have taken outranks what all refuse, and what one may yet take outranks what it never will.
    // Who we are is refused only where no relay refuses anything else.
    let rank = |class: &Class| match class {
        Class::InDoubt | Class::Duplicate => 0,
        Class::Gone => 1,
        Class::RateLimited { .. } => 2,
        Class::Transient => 3,
        Class::Rejected => 4,
        Class::Auth => 5,
    };
    let class = classes.into_iter().min_by_key(rank).unwrap_or(Class::Transient);
    Err(Failure::new(class, words(answers)))
}

/// Of a deletion, which every relay must take.
pub(super) fn of_deletion(answers: &Answers<'_>) -> Result<(), Failure> {
    if verdict(answers, answers.len())?.is_none() {
        return Ok(());
    }
    let words = format!("not every relay deletes it: {}", words(answers));
    Err(Failure::new(Class::Rejected, words))
}

fn refusals<'a>(answers: &'a Answers<'_>) -> impl Iterator<Item = (&'a str, &'a Failure)> {
    let refusal = |(host, answer): &'a (&str, Result<(), Failure>)| Some((*host, answer.as_ref().err()?));
    answers.iter().filter_map(refusal)
}

fn words(answers: &Answers<'_>) -> String {
    let one = |(host, failure): (&str, &Failure)| format!("{host}: {}", failure.words);
    refusals(answers).map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITED: Class = Class::RateLimited { until: None };

    fn answers(classes: &[Option<Class>]) -> Answers<'static> {
        let answer = |class: &Option<Class>| match class {
            Some(class) => ("r.example", Err(Failure::new(*class, "no"))),
            None => ("r.example", Ok(())),
        };
        classes.iter().map(answer).collect()
    }

    #[test]
    fn enough_relays_make_a_post_and_the_rest_is_told() {
        use Class::{Auth, InDoubt, Rejected, Transient};
        let yes = None;
        for (given, enough, expected) in [
            (vec![yes], 1, Ok(false)),
            (vec![yes, yes], 2, Ok(false)),
            (vec![yes, Some(Transient)], 1, Ok(true)),
            (vec![yes, Some(InDoubt)], 1, Ok(true)),
            // The others may take it yet, or never will.
            (vec![yes, Some(Transient)], 2, Err(InDoubt)),
            (vec![yes, Some(LIMITED), Some(Rejected)], 2, Err(InDoubt)),
            (vec![yes, Some(Rejected), Some(Auth)], 2, Ok(true)),
            // None has it.
            (vec![Some(Transient), Some(InDoubt)], 1, Err(InDoubt)),
            (vec![Some(Class::Gone), Some(Rejected)], 1, Err(Class::Gone)),
            (vec![Some(Transient), Some(Rejected)], 1, Err(Transient)),
            (vec![Some(Transient), Some(LIMITED)], 1, Err(LIMITED)),
            (vec![Some(Auth), Some(Rejected)], 1, Err(Rejected)),
            (vec![Some(Auth), Some(Transient)], 1, Err(Transient)),
            (vec![Some(Auth), Some(Auth)], 1, Err(Auth)),
        ] {
            let answers = answers(&given);
            let found = verdict(&answers, enough);
            let found = found.map(|told| told.is_some()).map_err(|failure| failure.class);
            assert_eq!(found, expected, "{given:?} of {enough}");
        }
        let answers: Answers<'_> = vec![
            ("a.example", Ok(())),
            ("b.example", Err(Failure::new(Rejected, "blocked: banned"))),
        ];
        let told = "only 1 of 2 relays have it; b.example: blocked: banned";
        assert_eq!(verdict(&answers, 1).unwrap().unwrap(), told);
    }

    #[test]
    fn a_deletion_is_done_when_all_have_done_it() {
        let class = |given: &[Option<Class>]| of_deletion(&answers(given)).map_err(|failure| failure.class);
        assert_eq!(class(&[None, None]), Ok(()));
        assert_eq!(class(&[None, Some(Class::Transient)]), Err(Class::InDoubt));
        assert_eq!(class(&[None, Some(Class::Rejected)]), Err(Class::Rejected));
        assert_eq!(
            class(&[Some(Class::Transient), Some(Class::Rejected)]),
            Err(Class::Transient)
        );
    }
}
