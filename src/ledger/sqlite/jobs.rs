//! Many rows for one statement: a table `job` that stands before it. A statement for each row would cost a way to the
//! database's thread and back, and to read rows out of JSON cost a good part of its time.

use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::super::group::BATCH;

/// The most rows of one statement: SQLite joins at most 500 (<https://sqlite.org/limits.html>, compound SELECT), and a
/// batch of the writer has no more than these.
pub(super) const MOST: usize = BATCH;
const _: () = assert!(MOST.next_power_of_two() <= 500);

/// One value.
pub(super) enum Cell {
    Nothing,
    Number(i64),
    Text(String),
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Cell::Number(number)
    }
}

impl From<bool> for Cell {
    fn from(yes: bool) -> Self {
        Cell::Number(yes.into())
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::Text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Nothing, Into::into)
    }
}

/// The table `job`, with its columns' names.
pub(super) struct Jobs<const N: usize> {
    columns: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Jobs<N> {
    pub(super) fn new(columns: [&'static str; N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// `statement`, which reads from `job`. Rows of NULL fill it up to a power of two, so that a handful of prepared
    /// statements serve batches of every size: it must take none of them for a job.
    pub(super) fn before(self, statement: &str) -> Query<'static, Sqlite, SqliteArguments> {
        let rows = self.rows.len().next_power_of_two();
        let row = format!("({})", vec!["?"; N].join(","));
        let mut sql = format!("WITH job ({}) AS (VALUES ", self.columns.join(", "));
        for n in 0..rows {
            sql.push_str(if n > 0 { "," } else { "" });
            sql.push_str(&row);
        }
        sql.push_str(") ");
        sql.push_str(statement);
        let missing = rows.saturating_sub(self.rows.len()).saturating_mul(N);
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for cell in self.rows.into_iter().flatten() {
            query = match cell {
                Cell::Nothing => query.bind(None::<i64>),
                Cell::Number(number) => query.bind(number),
                Cell::Text(text) => query.bind(text),
            };
        }
        for _ in 0..missing {
            query = query.bind(None::<i64>);
        }
        query
    }
}
