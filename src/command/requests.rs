//! `rescue requests`: objects that should have started a run and did not, found and run again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::command::before::{Before, before};
use crate::command::change::{confirm, facts};
use crate::command::evidence::{Gathered, gather};
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::operate;
use crate::command::rescue::targets;
use crate::command::{Here, print, rerun, say, style};
use crate::config::requests::Requests;
use crate::config::{Output, exit};
use crate::model::id::FunctionName;
use crate::model::object::{Object, Place};
use crate::model::rerun::{RerunItem, RerunPlan, RerunSource};
use crate::model::time::{Timestamp, spoken};
use crate::model::topology::EdgeKind;
use crate::operation::Undertaking;
use crate::operation::progress::{Report, grouped};
use crate::report;
use crate::report::table::{Table, clean};
use crate::verdict::lost::{Sign, judge};

pub async fn run(here: &Here, asked: Requests) -> Result<u8, Failure> {
    let look = look(here).await?;
    let (place, function) = whose(&look, &asked)?;
    let since = look.now.plus_s(-i64::try_from(asked.since_s).unwrap_or(i64::MAX));
    let listing = look.account.objects(&place, asked.max.div_ceil(PAGE)).await?;
    let objects: Vec<Object> = listing.objects.into_iter().filter(|object| object.modified_at >= since).collect();
    if listing.is_cut {
        say(&format!(
            "redrive: only the first {} objects of {place} were listed; --max lists more",
            grouped(asked.max.into())
        ));
    }
    if objects.is_empty() {
        say(&format!("redrive: no object was put under {place} since {}", since.clock_s()));
        return Ok(if listing.is_cut { exit::PARTLY } else { exit::FINE });
    }
    let gathered = gather(here, &look, &function, &objects, since, &asked).await?;
    let signs = judge(&objects, &gathered.evidence);
    let before = before(here, &place.bucket)?;
    let seen: Vec<Seen> =
        objects.iter().zip(&signs).map(|(object, sign)| seen(object, sign, &before, &asked)).collect();
    if let Some(missing) = asked.ids.iter().find(|id| !seen.iter().any(|one| is_named(one.object, id))) {
        return Err(Failure::Refused(format!("{missing} was not put under {place} since {}", since.clock_s())));
    }
    let rows: Vec<Row> = seen.iter().filter(|one| one.is_shown()).map(|one| row(one, look.now)).collect();
    if asked.output != Output::Table || !rows.is_empty() {
        print(&report::rows(style(asked.output), &rows, table))?;
    }
    let counts = counts(&seen);
    say(&format!(
        "redrive: {} objects since {}: {}",
        grouped(objects.len() as u64),
        since.clock_s(),
        counts.join(", ")
    ));
    gathered.told.iter().for_each(|line| say(&format!("redrive: {line}")));
    let chosen: Vec<&Seen> = seen.iter().filter(|one| one.chosen).collect();
    let whole = if listing.is_cut { exit::PARTLY } else { exit::FINE };
    if chosen.is_empty() {
        say("redrive: none is chosen: nothing to run again");
        return Ok(whole);
    }
    let code = again(here, &look, (&place, &function), &chosen, (&counts, &gathered), &asked).await?;
    Ok(if code == exit::FINE { whole } else { code })
}

/// The bucket and the function it tells.
fn whose(look: &Look, asked: &Requests) -> Result<(Place, FunctionName), Failure> {
    let edges = look.picture.topology.iter().flat_map(|topology| &topology.value.edges);
    let told = edges.filter(|edge| edge.kind == EdgeKind::Invokes && edge.from.service() == "s3");
    let mut pairs: Vec<(String, FunctionName)> =
        told.map(|edge| (edge.from.resource().to_owned(), edge.to.function_name())).collect();
    pairs.retain(|(bucket, function)| {
        asked.place.as_ref().is_none_or(|place| place.bucket == *bucket)
            && asked.function.as_ref().is_none_or(|name| function.as_str() == name)
    });
    pairs.sort();
    pairs.dedup();
    let place =
        |bucket: &str| asked.place.clone().unwrap_or(Place { bucket: bucket.to_owned(), prefix: String::new() });
    match (pairs.as_slice(), &asked.place, &asked.function) {
        ([(bucket, function)], ..) => Ok((place(bucket), function.clone())),
        // Who may invoke it is not readable everywhere; who says both is believed.
        ([], Some(place), Some(function)) => Ok((place.clone(), function.as_str().into())),
        ([], ..) => Err(Failure::Usage(
            "no bucket that invokes a function was found; give --bucket BUCKET and --function FUNCTION".to_owned(),
        )),
        (many, ..) => {
            let named: Vec<String> = many.iter().map(|(bucket, function)| format!("{bucket} → {function}")).collect();
            Err(Failure::Usage(format!("choose by --bucket and --function: {}", named.join(", "))))
        }
    }
}

/// An object, what is known of its run, and what is done about it.
struct Seen<'a> {
    object: &'a Object,
    sign: &'a Sign,
    /// As the journal has it.
    ran_again: Option<String>,
    chosen: bool,
}

impl Seen<'_> {
    fn is_shown(&self) -> bool {
        self.chosen || !self.sign.has_run()
    }
}

fn is_named(object: &Object, id: &str) -> bool {
    object.key == id || object.name() == id
}

fn seen<'a>(object: &'a Object, sign: &'a Sign, before: &Before, asked: &Requests) -> Seen<'a> {
    let ran_again = before.get(&object.key).map(ToString::to_string);
    let chosen = match asked.ids.is_empty() {
        false => asked.ids.iter().any(|id| is_named(object, id)),
        true => {
            let unclear = asked.unclear && matches!(sign, Sign::Unknown { .. });
            ran_again.is_none() && (sign.is_lost() || unclear)
        }
    };
    Seen { object, sign, ran_again, chosen }
}

fn counts(seen: &[Seen<'_>]) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for one in seen {
        let word = if one.ran_again.is_some() && !one.sign.has_run() { "run again before" } else { one.sign.word() };
        *counts.entry(word).or_default() += 1;
    }
    let order = ["ran", "lost", "may come", "cannot tell", "run again before"];
    order.iter().filter_map(|word| counts.get(word).map(|n| format!("{} {word}", grouped(*n)))).collect()
}

async fn again(
    here: &Here,
    look: &Look,
    (place, function): (&Place, &FunctionName),
    chosen: &[&Seen<'_>],
    (counts, gathered): (&[String], &Gathered),
    asked: &Requests,
) -> Result<u8, Failure> {
    let item = |one: &&Seen<'_>| RerunItem { object: one.object.clone(), function: function.clone() };
    let plan = RerunPlan {
        source: RerunSource::Requests,
        bucket: place.bucket.clone(),
        items: chosen.iter().map(item).collect(),
        targets: targets(look, &BTreeSet::from([function.clone()]))?,
        reason: asked.reason.clone(),
    };
    let mut facts = facts(look, here, &place.bucket);
    facts.about.push(format!("of the objects listed: {}", counts.join(", ")));
    facts.about.extend(reasons(chosen));
    facts.about.extend(gathered.told.iter().cloned());
    facts.unchecked.push("whether somebody else ran them again meanwhile, from another machine".to_owned());
    facts.unchecked.push(
        "what the bucket's notification leaves out by prefix or suffix; --bucket s3://BUCKET/PREFIX narrows".to_owned(),
    );
    let Some(confirmed) = confirm(plan, &facts, asked.consent)? else { return Ok(exit::FINE) };
    let finished = operate(here, look, Undertaking::Rerun(confirmed)).await?;
    if let Report::Rerun(report) = &finished.report {
        print(&rerun::shown(asked.output, report))?;
    }
    Ok(finished.code())
}

/// How many were chosen for which reason, the first of each as the example.
fn reasons(chosen: &[&Seen<'_>]) -> Vec<String> {
    let mut kinds: Vec<(u64, &Sign)> = Vec::new();
    for one in chosen {
        let kind = std::mem::discriminant(one.sign);
        match kinds.iter_mut().find(|(_, sign)| std::mem::discriminant(*sign) == kind) {
            Some((n, _)) => *n += 1,
            None => kinds.push((1, one.sign)),
        }
    }
    kinds.iter().map(|(n, sign)| format!("{} {}, for example: {}", grouped(*n), sign.word(), sign.reason())).collect()
}

#[derive(Debug, Serialize)]
struct Row {
    key: String,
    put_at: String,
    size: u64,
    #[serde(flatten)]
    sign: Sign,
    reason: String,
    chosen: bool,
    ran_again: Option<String>,
    #[serde(skip)]
    age: String,
}

fn row(one: &Seen<'_>, now: Timestamp) -> Row {
    Row {
        key: one.object.key.clone(),
        put_at: one.object.modified_at.to_string(),
        size: one.object.size,
        sign: one.sign.clone(),
        reason: one.sign.reason(),
        chosen: one.chosen,
        ran_again: one.ran_again.clone(),
        age: spoken(now.ms_since(one.object.modified_at)),
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = Table::new(&["OBJECT", "PUT", "ITS RUN", "HOW THAT IS KNOWN", "CHOSEN"]);
    for row in rows.iter().take(SHOWN) {
        let chosen = match (&row.ran_again, row.chosen) {
            (_, true) => "yes".to_owned(),
            (Some(ran), false) => format!("no: {ran}"),
            (None, false) => "no".to_owned(),
        };
        table.row([
            clean(&row.key),
            format!("{} ago", row.age),
            row.sign.word().to_owned(),
            clean(&row.reason),
            chosen,
        ]);
    }
    let mut text = table.text();
    if rows.len() > SHOWN {
        text.push_str(&format!("… and {} more; -o json has them all\n", grouped((rows.len() - SHOWN) as u64)));
    }
    text
}

/// Keys of a page of a listing.
const PAGE: u32 = 1_000;
/// Rows a table shows at most.
const SHOWN: usize = 50;
