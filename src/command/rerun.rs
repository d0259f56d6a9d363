//! What came of running events again, as the commands print it.

use crate::config::Output;
use crate::operation::progress::RerunReport;
use crate::report::table::clean;

pub(in crate::command) fn shown(output: Output, report: &RerunReport) -> String {
    if output != Output::Table {
        return serde_json::to_string(report).unwrap_or_default() + "\n";
    }
    let mut text = clean(&report.line()) + "\n";
    for (id, why) in &report.faults {
        text.push_str(&format!("  {}: {}\n", clean(id.as_str()), clean(why)));
    }
    for id in &report.may_have_run {
        text.push_str(&format!("  {}: may have run\n", clean(id.as_str())));
    }
    text
}
