//! A thread's parts: where the writer said so, or where a text that is too long may be broken.

use std::ops::Range;
use std::rc::Rc;

use super::breaks::{Breaks, after_gap, characters, inside};
use super::count::measure;
use super::limits::{LengthRule, Measure};

/// How a text becomes a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threading {
    /// Break what is too long.
    pub auto: bool,
    /// Write ` 1/5` after each part, if there is more than one.
    pub counter: bool,
}

/// Splits at lines of just `---`. Parts are trimmed, and none is empty; a text of nothing has none.
pub fn split(text: &str) -> Vec<String> {
    if !text.contains("---") {
        let whole = Some(text.trim()).filter(|text| !text.is_empty());
        return whole.map(str::to_owned).into_iter().collect();
    }
    let mut parts = vec![String::new()];
    for line in text.split('\n') {
        if line.trim() == "---" {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    let trimmed = parts.iter().map(|part| part.trim());
    trimmed
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Where texts may be broken. Accounts mostly say the same words, so that it is looked for only once.
#[derive(Debug, Default)]
pub struct Cuts {
    /// The texts of late, the latest last.
    known: Vec<(String, Rc<Breaks>)>,
}

impl Cuts {
    /// Of one text, with and without its warning and its link, there are four.
    const KEPT: usize = 4;

    fn of(&mut self, text: &str) -> Rc<Breaks> {
        if let Some((_, breaks)) = self.known.iter().rev().find(|(known, _)| known == text) {
            return breaks.clone();
        }
        if self.known.len() >= Self::KEPT {
            self.known.remove(0);
        }
        let breaks = Rc::new(Breaks::of(text));
        self.known.push((text.to_owned(), breaks.clone()));
        breaks
    }
}

/// The parts of a text, each measured by the `rule` for its number under the warning `warn`.
///
/// What is too long is broken at the ends of paragraphs, else of sentences, else of words. No link, mention,
/// tag or cluster is ever cut, so what is longer than the limit all by itself stays one part that does not
/// fit: measuring it says so. Counters count like all else.
pub fn thread<'r>(
    text: &str,
    threading: Threading,
    rule: impl Fn(usize) -> &'r LengthRule,
    warn: &str,
    cuts: &mut Cuts,
) -> Vec<String> {
    let written = split(text);
    let measured = |index: usize, part: &str| measure(rule(index), part, warn);
    let all_fit = |parts: &[String]| {
        let mut parts = parts.iter().enumerate();
        parts.all(|(i, part)| measured(i, part).fits())
    };
    if !threading.auto || (all_fit(&written) && (!threading.counter || written.len() < 2)) {
        return counted(written, threading.counter);
    }
    let texts: Vec<(&str, Rc<Breaks>)> = written
        .iter()
        .map(|text| (text.as_str(), cuts.of(text)))
        .collect();
    let broken = |measured: &dyn Fn(usize, &str) -> Measure| {
        let mut parts = Vec::new();
        for (text, breaks) in &texts {
            let ranges = cut(text, breaks, |i, part| measured(parts.len() + i, part));
            parts.extend(ranges.into_iter().filter_map(|range| text.get(range)));
        }
        parts.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    if !threading.counter {
        return broken(&measured);
    }
    // How many parts there are depends on how long the counters are, and that on how many there are: so for
    // each number of digits in turn, as if the last part had it. A shorter counter fits too.
    let mut last = 9;
    loop {
        let parts = broken(&|index, part| measured(index, &format!("{part} {}/{last}", index + 1)));
        if parts.len() <= last || last > text.len() {
            return counted(parts, true);
        }
        last = last * 10 + 9;
    }
}

/// With ` 1/5` after each, if wanted and if there is more than one.
fn counted(mut parts: Vec<String>, counter: bool) -> Vec<String> {
    let count = parts.len();
    if counter && count > 1 {
        for (i, part) in parts.iter_mut().enumerate() {
            *part = format!("{part} {}/{count}", i + 1);
        }
    }
    parts
}

/// The pieces of `text`, between which there is nothing but white space. `measured` is told the number of a piece.
fn cut(text: &str, breaks: &Breaks, measured: impl Fn(usize, &str) -> Measure) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    // A run that no part could hold has to be broken like all else.
    let mut runs = breaks.runs.clone();
    runs.retain(|run| {
        text.get(run.clone())
            .is_some_and(|run| measured(0, run.trim()).fits())
    });
    let mut start = after_gap(text, 0);
    // Parts are mostly about as long as the one before.
    let mut length = USUAL_LENGTH;
    while start < text.trim_end().len() {
        let measured = |end: usize| {
            let piece = text.get(start..end).unwrap_or_default();
            measured(pieces.len(), piece)
        };
        let end = best_end(text, start, start + length, breaks, &runs, measured);
        length = length.max(end - start);
        pieces.push(start..end);
        start = after_gap(text, end);
    }
    pieces
}

/// Where to begin to look for the end of the first part, in bytes.
const USUAL_LENGTH: usize = 250;

/// Where the piece that begins at `start` ends best; probably near `guess`.
fn best_end(
    text: &str,
    start: usize,
    guess: usize,
    breaks: &Breaks,
    runs: &[Range<usize>],
    measured: impl Fn(usize) -> Measure,
) -> usize {
    let gap = last_fitting(&breaks.gaps, start, guess, &measured);
    let end_of_all = breaks.gaps.last().copied().unwrap_or(text.len());
    if gap == Some(end_of_all) {
        return end_of_all;
    }
    // In what follows that gap a word may end too, if there are no spaces between them.
    let from = gap.map_or(start, |gap| after_gap(text, gap));
    let next = breaks.gaps.partition_point(|gap| *gap <= from);
    let between = from..breaks.gaps.get(next).copied().unwrap_or(end_of_all);
    let words = breaks.words(text, between.clone());
    let Some(reach) = last_fitting(&words, start, guess, &measured).or(gap) else {
        // Not one word fits: letters without end, or a link that no part could hold, which then stands alone.
        let characters = characters(text, between.clone());
        return last_fitting(&characters, start, guess, &measured)
            .or(characters.first().copied())
            .unwrap_or(between.end);
    };
    // From there back to the last that is good enough.
    let back = |ends: &[usize], least: usize, reach: usize| {
        let until = ends.partition_point(|end| *end <= reach);
        let ends = ends.get(..until).unwrap_or_default();
        let near = ends.iter().rev().copied();
        near.take_while(|end| *end > start && *end >= least)
            .find(|end| !inside(runs, *end) && measured(*end).fits())
    };
    let whole_runs = back(&words, start, reach).or_else(|| back(&breaks.gaps, start, reach));
    let reach = whole_runs.unwrap_or(reach);
    // A better end is taken unless it wastes the part.
    let least = start + (reach - start).div_ceil(3);
    let better = [&breaks.paragraphs, &breaks.sentences, &breaks.phrases];
    let better = better.into_iter().find_map(|ends| back(ends, least, reach));
    better.unwrap_or(reach)
}

/// The furthest of `ends` after `start` that fits, as if what is shorter always fitted too: looked for from
/// `guess` on, and then from where the limit should be by what was measured so far. So the work is that of one
/// part, however long the text.
fn last_fitting(
    ends: &[usize],
    start: usize,
    guess: usize,
    measured: impl Fn(usize) -> Measure,
) -> Option<usize> {
    let first = ends.partition_point(|end| *end <= start);
    let ends = ends.get(first..).unwrap_or_default();
    let last_until = |place: usize| ends.partition_point(|end| *end <= place).saturating_sub(1);
    // All below `good` fit, and none from `bad` on does.
    let (mut good, mut bad) = (0, ends.len());
    let mut next = last_until(guess);
    let mut guesses = 0;
    while good < bad {
        let end = *ends.get(next)?;
        let measure = measured(end);
        if measure.fits() {
            good = next + 1;
        } else {
            bad = next;
        }
        guesses += 1;
        // A text that is not alike all along leads astray: then halves end it, and steps that double.
        next = if guesses < GUESSES {
            last_until(probable_end(start, end, &measure))
        } else if bad < ends.len() {
            good.midpoint(bad)
        } else {
            good + (1 << (guesses - GUESSES).min(20))
        };
        next = next.clamp(good, bad.saturating_sub(1).max(good));
    }
    ends.get(good.checked_sub(1)?).copied()
}

/// How often [`last_fitting`] looks where the limit should be.
const GUESSES: u32 = 4;

/// Where what begins at `start` should reach its limit, if it goes on as it does until `end`; not much further
/// than that, since one piece tells little.
fn probable_end(start: usize, end: usize, measure: &Measure) -> usize {
    let size = end - start;
    let limit = measure.limit.unwrap_or(usize::MAX);
    let whole = size.saturating_mul(limit) / measure.length.max(1);
    start + whole.min(4 * size)
}

#[cfg(test)]
mod tests;
