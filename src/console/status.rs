//! Texts to take away: a five-line status for the incident channel, and deep links.

use crate::console::Console;
use crate::console::screen::Screen;
use crate::model::finding::Severity;
use crate::model::id::{FunctionName, MappingId, QueueName};
use crate::model::time::spoken;

/// What, since, loss clock, what was done, next check.
pub fn five_lines(console: &Console) -> String {
    let standing = console.findings.iter().filter(|finding| console.acknowledgement(finding).is_none());
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

/// The AWS console's page of what is open; says why when there is none.
pub(in crate::console) fn link(console: &mut Console) -> Option<String> {
    if console.options.sandbox || console.options.endpoint_url.is_some() {
        console.say(Severity::Note, "there is no AWS console behind this endpoint");
        return None;
    }
    let Some(region) = console.picture.identity.as_ref().map(|identity| identity.value.region.clone()) else {
        console.say(Severity::Note, "the region is not known yet");
        return None;
    };
    let mappings = console.mappings_here();
    let page = match (console.queue_here(), mappings.first()) {
        (Some(queue), _) => queue_page(console, &queue),
        (None, Some(mapping)) => function_page(console, mapping),
        (None, None) => None,
    };
    let page = page.or_else(|| matches!(console.screen(), Screen::Map).then(|| "lambda".to_owned()));
    let host = format!("https://{region}.console.aws.amazon.com");
    page.map(|page| match page.split_once('#') {
        Some((service, rest)) => format!("{host}/{service}/home?region={region}#{rest}"),
        None => format!("{host}/{page}/home?region={region}"),
    })
}

fn queue_page(console: &Console, queue: &QueueName) -> Option<String> {
    let url = &console.picture.queues.get(queue)?.value.url;
    let escaped = percent_encoding::utf8_percent_encode(url.as_str(), percent_encoding::NON_ALPHANUMERIC);
    Some(format!("sqs/v3#/queues/{escaped}"))
}

fn function_page(console: &Console, mapping: &MappingId) -> Option<String> {
    let function: &FunctionName = &console.picture.mappings.get(mapping)?.value.function;
    Some(format!("lambda#/functions/{function}?tab=configure"))
}
