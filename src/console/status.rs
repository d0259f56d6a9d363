//! Texts to take away: a five-line status for the incident channel, the lines that mend a posture.

use crate::console::Console;
use crate::model::finding::Severity;
use crate::model::time::spoken;

/// `Y`: in the posture the lines that mend what the cursor is on, elsewhere the status.
pub(in crate::console) fn to_copy(console: &Console) -> String {
    let options = &console.options;
    match console.current_advice() {
        Some(advice) => {
            let endpoint_url = options.endpoint_url.as_deref();
            advice.fix_lines(options.profile.as_deref(), endpoint_url).join("\n")
        }
        None => five_lines(console),
    }
}

/// What, since, loss clock, what was done, next check.
pub fn five_lines(console: &Console) -> String {
    // What is only to be mended some day is no news in an incident.
    let tonight = console.findings.iter().filter(|finding| !Console::is_posture(finding));
    let standing = tonight.filter(|finding| console.acknowledgement(finding).is_none());
    let wrong: Vec<_> = standing.filter(|finding| finding.severity <= Severity::Warning).collect();
    let what = match wrong.split_first() {
        None => "nothing is wrong that metrics show".to_owned(),
        Some((first, [])) => format!("{} {}", first.severity, first.headline),
        Some((first, rest)) => format!("{} {} (and {} more)", first.severity, first.headline, rest.len()),
    };
    let since = wrong.iter().filter_map(|finding| finding.since).min().map_or("–".to_owned(), |since| {
        format!("{} ({})", since.clock(), spoken(console.now.ms_since(since).max(0)))
    });
    let loss = wrong
        .iter()
        .flat_map(|finding| &finding.evidence)
        .find(|line| ["lost", "lose", "expire"].iter().any(|word| line.contains(word)));
    let done =
        console.operations.iter().rev().find(|operation| operation.kind != crate::operation::progress::Kind::Scan);
    let done = done.map_or("nothing yet".to_owned(), |operation| {
        format!("{} {}: {}", operation.started_at.clock(), operation.title, operation.line())
    });
    let place = console.picture.identity.as_ref().map_or("account unknown".to_owned(), |identity| {
        let name = identity.value.alias.as_ref().unwrap_or(&identity.value.account);
        format!("{name} {}", identity.value.region)
    });
    [
        format!("what: {what} [{place}, {}]", console.now.clock()),
        format!("since: {since}"),
        format!("loss: {}", loss.map_or("nothing about to be lost is known", String::as_str)),
        format!("done: {done}"),
        format!("next check: {}", console.now.plus_s(NEXT_CHECK_S).clock()),
    ]
    .join("\n")
}

/// A quarter of an hour: what an incident channel expects.
const NEXT_CHECK_S: i64 = 15 * 60;
