//! Reads `allow`: the warnings that are silenced, each with a reason.

use super::report::{Report, Value};
use crate::campaign::allow::{Allow, Of, known, refused};
use crate::campaign::problem::{nearest, shown};

/// What is silenced in the table at `value`. A slip silences nothing, so it need not hold anything: the
/// warning that was meant is said.
pub fn allow(report: &mut Report<'_>, value: &Value<'_>, of: Of) -> Allow {
    let example = "`allow = { \"typed-figure\" = \"the number of the bill, no claim\" }`";
    let mut allowed = Allow::new();
    for (key, value) in report.table("allow", value, example).into_iter().flatten() {
        let code = key.get_ref().as_ref();
        let reason = report.text("allow", value).map(|found| found.0);
        if let Some(why) = refused(code, of) {
            let help = match nearest(code, known(of)) {
                Some(near) if near != code => format!("did you mean `{near}`?"),
                _ => "delete it".to_owned(),
            };
            let message = format!("`{}` cannot be silenced: {why}", shown(code));
            report.warning("bad-allow", key.span(), message, help);
        } else if let Some(reason) = reason {
            if reason.trim().is_empty() {
                report.warning(
                    "bad-allow",
                    value.span(),
                    format!("`{code}` is silenced without a reason, so it is said"),
                    "write in a few words why all is well",
                );
            } else {
                allowed.insert(code.into(), reason.into());
            }
        }
    }
    allowed
}
