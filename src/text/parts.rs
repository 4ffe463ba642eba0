//! A thread's parts: where the writer said so, or where a text that is too long may be broken.

use std::ops::Range;

use super::breaks::{Breaks, after_gap, inside};
use super::count::measure;
use super::limits::LengthRule;

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
) -> Vec<String> {
    let written = split(text);
    let fits = |index: usize, part: &str| measure(rule(index), part, warn).fits();
    let all_fit = |parts: &[String]| parts.iter().enumerate().all(|(i, part)| fits(i, part));
    if !threading.auto || (all_fit(&written) && (!threading.counter || written.len() < 2)) {
        return counted(written, threading.counter);
    }
    let texts: Vec<(&str, Breaks<'_>)> = written
        .iter()
        .map(|text| (text.as_str(), Breaks::of(text)))
        .collect();
    let broken = |fits: &dyn Fn(usize, &str) -> bool| {
        let mut parts = Vec::new();
        for (text, breaks) in &texts {
            let ranges = cut(text, breaks, |i, part| fits(parts.len() + i, part));
            parts.extend(ranges.into_iter().filter_map(|range| text.get(range)));
        }
        parts.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    if !threading.counter {
        return broken(&fits);
    }
    // How many parts there are depends on how long the counters are, and that on how many there are: so for
    // each number of digits in turn, as if the last part had it. A shorter counter fits too.
    let mut last = 9;
    loop {
        let parts = broken(&|index, part| fits(index, &format!("{part} {}/{last}", index + 1)));
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

/// The pieces of `text`, between which there is nothing but white space. `fits` is told the number of a piece.
fn cut(text: &str, breaks: &Breaks<'_>, fits: impl Fn(usize, &str) -> bool) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    // A run that no part could hold has to be broken like all else.
    let mut runs = breaks.runs.clone();
    runs.retain(|run| text.get(run.clone()).is_some_and(|run| fits(0, run.trim())));
    let mut start = after_gap(text, 0);
    // Parts are mostly about as long as the one before.
    let mut length = USUAL_LENGTH;
    while start < text.trim_end().len() {
        let fits = |end: usize| {
            text.get(start..end)
                .is_some_and(|piece| fits(pieces.len(), piece))
        };
        let end = best_end(text, start, start + length, breaks, &runs, fits);
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
    breaks: &Breaks<'_>,
    runs: &[Range<usize>],
    fits: impl Fn(usize) -> bool,
) -> usize {
    let gap = last_fitting(&breaks.gaps, start, guess, &fits);
    let end_of_all = breaks.gaps.last().copied().unwrap_or(text.len());
    if gap == Some(end_of_all) {
        return end_of_all;
    }
    // In what follows that gap a word may end too, if there are no spaces between them.
    let from = gap.map_or(start, |gap| after_gap(text, gap));
    let next = breaks.gaps.partition_point(|gap| *gap <= from);
    let between = from..breaks.gaps.get(next).copied().unwrap_or(end_of_all);
    let words = breaks.words(between.clone());
    let Some(reach) = last_fitting(&words, start, guess, &fits).or(gap) else {
        // Not one word fits: letters without end, or a link that no part could hold, which then stands alone.
        let characters = breaks.characters(between.clone());
        return last_fitting(&characters, start, guess, &fits)
            .or(characters.first().copied())
            .unwrap_or(between.end);
    };
    // From there back to the last that is good enough.
    let back = |ends: &[usize], least: usize, reach: usize| {
        let until = ends.partition_point(|end| *end <= reach);
        let ends = ends.get(..until).unwrap_or_default();
        let near = ends.iter().rev().copied();
        near.take_while(|end| *end > start && *end >= least)
            .find(|end| !inside(runs, *end) && fits(*end))
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
/// `guess` on in steps that double, so that the work is that of one part, however long the text.
fn last_fitting(ends: &[usize], start: usize, guess: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    let first = ends.partition_point(|end| *end <= start);
    let ends = ends.get(first..).unwrap_or_default();
    let fits = |i: usize| ends.get(i).is_some_and(|end| fits(*end));
    let near = ends.partition_point(|end| *end <= guess).saturating_sub(1);
    // `good` fits and `bad` does not.
    let (mut good, mut bad);
    let mut step = 1;
    if fits(near) {
        (good, bad) = (near, near + step);
        while fits(bad) {
            good = bad;
            step *= 2;
            bad += step;
        }
    } else {
        (good, bad) = (near, near);
        while !fits(good) {
            bad = good;
            good = good.checked_sub(step).or((good > 0).then_some(0))?;
            step *= 2;
        }
    }
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    ends.get(good).copied()
}

#[cfg(test)]
mod tests;
