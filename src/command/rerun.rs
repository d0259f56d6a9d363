//! What came of running events again, as the commands print it.

use crate::config::Output;
use crate::operation::progress::RerunReport;
use crate::report::ended::named;

pub(in crate::command) fn shown(output: Output, report: &RerunReport) -> String {
    if output != Output::Table {
        return serde_json::to_string(report).unwrap_or_default() + "\n";
    }
    named(&report.line(), &report.faults, &[("may have run", &report.may_have_run)])
}
