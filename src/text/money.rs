//! Money, in US dollars: what platforms charge in.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;
use std::str::FromStr;

const MICROS: u64 = 1_000_000;

/// An amount in millionths of a US dollar; never less than nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Usd(u64);

impl Usd {
    pub const NOTHING: Self = Self(0);

    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> u64 {
        self.0
    }

    /// For machines that read JSON: in dollars, to the millionth.
    #[expect(
        clippy::cast_precision_loss,
        reason = "exact up to nine thousand million dollars"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }

    #[must_use]
    pub fn times(self, count: usize) -> Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Self(self.0.saturating_mul(count))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::NOTHING, Add::add)
    }
}

/// `0.20 USD`: cents, and what is smaller where there is something.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % MICROS);
        let (cents, rest) = fraction.split_at(2);
        write!(f, "{}.{cents}{} USD", self.0 / MICROS, rest.trim_end_matches('0'))
    }
}

/// Why words are no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it like `20 USD` or `0.015 USD`: prices are in US dollars, to the millionth at most")]
pub struct NoAmount;

impl FromStr for Usd {
    type Err = NoAmount;

    fn from_str(text: &str) -> Result<Self, NoAmount> {
        let amount = text.strip_suffix("USD").map(str::trim_end).ok_or(NoAmount)?;
        let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 6 {
            return Err(NoAmount);
        }
        let whole: u64 = whole.parse().map_err(|_| NoAmount)?;
        let fraction: u64 = format!("{fraction:0<6}").parse().map_err(|_| NoAmount)?;
        let whole = whole.checked_mul(MICROS).ok_or(NoAmount)?;
        whole.checked_add(fraction).map(Self).ok_or(NoAmount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written() {
        for (text, micros, written) in [
            ("20 USD", 20_000_000, "20.00 USD"),
            ("0.015 USD", 15_000, "0.015 USD"),
            ("0.2USD", 200_000, "0.20 USD"),
            ("1.000001 USD", 1_000_001, "1.000001 USD"),
            ("0 USD", 0, "0.00 USD"),
        ] {
            let amount: Usd = text.parse().unwrap();
            assert_eq!(amount.micros(), micros, "{text}");
            assert_eq!(amount.to_string(), written, "{text}");
            assert_eq!(written.parse(), Ok(amount), "{written}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "USD",
            "20",
            "20 EUR",
            "-1 USD",
            "1,50 USD",
            ".5 USD",
            "5. USD",
            "0.0000001 USD",
            "1e3 USD",
            "99999999999999999999 USD",
            "18446744073710 USD",
        ] {
            assert_eq!(text.parse::<Usd>(), Err(NoAmount), "{text}");
        }
    }

    #[test]
    fn a_sum_does_not_run_over() {
        let most = Usd::from_micros(u64::MAX);
        assert_eq!(most + most, most);
        assert_eq!(most.times(3), most);
        let some = [Usd::from_micros(2), Usd::from_micros(3)];
        assert_eq!(some.into_iter().sum::<Usd>(), Usd::from_micros(5));
    }
}
