//! `dlq redrive`: by id, by what a scan finds, or everything by a move task.

use std::collections::BTreeMap;

use crate::command::change::{confirm, facts};
use crate::command::dead_letters::find;
use crate::command::edit;
use crate::command::failure::Failure;
use crate::command::look::{Look, look};
use crate::command::operate::{Finished, operate};
use crate::command::pick::{picked, scan_of, search};
use crate::command::pile::Pile;
use crate::command::{Here, print, say, style};
use crate::config::letter::Pick;
use crate::config::{Canary, Rate, Redrive, Which, exit};
use crate::model::id::MessageId;
use crate::model::message::Message;
use crate::model::plan::{DEFAULT_LANES, Ladder, MoveAllPlan, RedrivePlan};
use crate::model::queue::Queue;
use crate::model::time::{Timestamp, spoken};
use crate::operation::card::Facts;
use crate::operation::order::EndState;
use crate::operation::progress::{Report, grouped};
use crate::operation::redrive::edit as changed;
use crate::operation::{Undertaking, advice};
use crate::query::kind::kind_of;
use crate::report::{self, redrive::Outcome};

pub async fn redrive(here: &Here, asked: Redrive) -> Result<u8, Failure> {
    let look = match asked.rate {
        Rate::Derived => look(here).await?.with_metrics().await,
        Rate::Off | Rate::Most(_) => look(here).await?,
    };
    let queue = find(&look, &asked.queue)?;
    let mut facts = facts(&look, here, queue.name.as_str());
    if asked.what == Which::All {
        let Some(confirmed) = confirm(move_all(queue, &asked), &facts, asked.consent)? else {
            return Ok(exit::FINE);
        };
        let finished = operate(here, &look, Undertaking::MoveAll(confirmed)).await?;
        return tell(&finished, Vec::new(), &asked);
    }
    if queue.sources.is_empty() {
        return Err(Failure::Refused(format!(
            "no queue names {} as its dead-letter queue, so there is nowhere these messages came from",
            queue.name
        )));
    }
    edit::check(asked.edit.as_deref())?;
    let Some(Chosen { ids, left_out, edits }) = chosen(here, &look, queue, &asked).await? else {
        return Ok(exit::FINE);
    };
    if ids.is_empty() {
        let code = if left_out.is_empty() { exit::FINE } else { exit::PARTLY };
        let outcome = Outcome::nothing(left_out);
        print(&report::one(style(asked.output), &outcome, report::redrive::line))?;
        return Ok(code);
    }
    let mut plan = plan(&look, queue, ids, &asked, &mut facts);
    plan.edit = edits.as_ref().map(|(program, bodies)| changed::plan(program.clone(), bodies));
    let Some(confirmed) = confirm(plan, &facts, asked.consent)? else { return Ok(exit::FINE) };
    let undertaking = match edits {
        Some((_, bodies)) => Undertaking::Edited(Box::new(confirmed), bodies),
        None => Undertaking::Redrive(confirmed),
    };
    let finished = operate(here, &look, undertaking).await?;
    tell(&finished, left_out, &asked)
}

/// The result on standard output, and the exit code it stands for.
fn tell(finished: &Finished, left_out: Vec<(String, u64)>, asked: &Redrive) -> Result<u8, Failure> {
    let left_some = !left_out.is_empty();
    if let Some(outcome) = Outcome::of(&finished.report, left_out) {
        print(&report::one(style(asked.output), &outcome, report::redrive::line))?;
    }
    let code = finished.code();
    Ok(if code == exit::FINE && left_some { exit::PARTLY } else { code })
}

struct Chosen {
    ids: Vec<MessageId>,
    left_out: Vec<(String, u64)>,
    /// The jq program, and the bodies it makes.
    edits: Option<(String, BTreeMap<MessageId, String>)>,
}

/// Which messages go, and as what. `None` after a dry run.
async fn chosen(here: &Here, look: &Look, queue: &Queue, asked: &Redrive) -> Result<Option<Chosen>, Failure> {
    if let (Which::Ids(ids), None) = (&asked.what, &asked.edit) {
        let ids = ids.iter().map(|id| MessageId::new(id.clone())).collect();
        return Ok(Some(Chosen { ids, left_out: Vec::new(), edits: None }));
    }
    let Some(Found { messages, mut left_out }) = found(here, look, queue, asked).await? else { return Ok(None) };
    let Some(program) = &asked.edit else {
        let ids = messages.messages()?.map(|message| message.map(|message| message.id)).collect::<Result<_, _>>()?;
        return Ok(Some(Chosen { ids, left_out, edits: None }));
    };
    let most = advice::largest(&look.picture, queue);
    let made = edit::edits(messages.into_vec()?, program, most, here.redaction(asked.reveal)).await?;
    left_out.extend(made.reasons().into_iter().map(|(why, count)| (why.to_owned(), count)));
    let ids = made.bodies.keys().cloned().collect();
    Ok(Some(Chosen { ids, left_out, edits: Some((program.clone(), made.bodies)) }))
}

struct Found {
    /// What can be redriven.
    messages: Pile,
    /// How many cannot, and why.
    left_out: Vec<(String, u64)>,
}

/// Scans, and tells what can be redriven. `None` after a dry run.
async fn found(here: &Here, look: &Look, queue: &Queue, asked: &Redrive) -> Result<Option<Found>, Failure> {
    let (ids, limit) = match &asked.what {
        Which::Ids(ids) => (ids.clone(), None),
        Which::Found { limit } => (Vec::new(), *limit),
        Which::All => (Vec::new(), None),
    };
    let pick =
        Pick { expression: asked.expression.clone(), ids, limit: limit.and_then(|limit| usize::try_from(limit).ok()) };
    let search = search(&pick)?;
    let mut about = facts(look, here, queue.name.as_str());
    let example = self::plan(look, queue, Vec::new(), asked, &mut about);
    let pace = match example.rate_per_s {
        Some(rate) => format!("at {rate} a second"),
        None => "as fast as the queues take them".to_owned(),
    };
    let most = match (pick.limit, search.is_some()) {
        (Some(most), false) => u32::try_from(most).unwrap_or(SCAN_MOST),
        _ => SCAN_MOST,
    };
    say(&format!("redrive: what is found is redriven then, {pace} over {} lanes:", example.lanes));
    about.about.iter().for_each(|line| say(&format!("  {line}")));
    let Some(finished) = scan_of(here, look, queue, most, asked.consent).await? else { return Ok(None) };
    if let (EndState::Failed | EndState::Cancelled, Report::Scan(report)) = (finished.report.state(), &finished.report)
    {
        let why = match report.state {
            EndState::Cancelled => format!("cancelled while scanning, and nothing was redriven: {}", report.line()),
            _ => report.line(),
        };
        return Err(match finished.code() {
            exit::UNREACHABLE => Failure::Unreachable(why),
            _ => Failure::Refused(why),
        });
    }
    let mut left_out: BTreeMap<String, u64> = BTreeMap::new();
    let mut messages = picked(finished.found, &pick, search.as_ref(), look.now).await?;
    let stale_after_s = here.place.context.stale_after_s;
    messages.retain(|message| {
        let old = is_stale(message, look.now, stale_after_s) && !takes_old(asked);
        let why = match kind_of(message).not_redrivable() {
            None if old => format!("sent more than {} ago; --stale takes them too", spoken_s(stale_after_s)),
            None => return true,
            Some(why) => why.to_owned(),
        };
        *left_out.entry(why).or_default() += 1;
        false
    })?;
    for (why, count) in &left_out {
        say(&format!("redrive: {} left out: {why}", grouped(*count)));
    }
    Ok(Some(Found { messages, left_out: left_out.into_iter().collect() }))
}

fn plan(look: &Look, queue: &Queue, ids: Vec<MessageId>, asked: &Redrive, facts: &mut Facts) -> RedrivePlan {
    let picture = &look.picture;
    let (rate_per_s, gentle) = match asked.rate {
        Rate::Off => (None, None),
        Rate::Most(rate) => (Some(rate), None),
        Rate::Derived => {
            let (rate, why) = advice::rate(picture, queue, look.now);
            facts.about.push(why);
            (Some(rate), Some(advice::gentle(picture, queue)))
        }
    };
    let expected = if ids.is_empty() { queue.counts.total() } else { ids.len() as u64 };
    let rungs = match &asked.canary {
        Canary::Off => None,
        Canary::Rungs(rungs) => Some(rungs.clone()),
        // One edited message tells whether the edit is right.
        Canary::Default if asked.edit.is_some() => (expected > 1).then(|| Ladder::DEFAULT_RUNGS.to_vec()),
        Canary::Default => advice::wants_ladder(expected).then(|| Ladder::DEFAULT_RUNGS.to_vec()),
    };
    let ladder = rungs.map(|rungs| {
        let (ladder, why) = advice::ladder(picture, queue, rungs);
        facts.about.push(why);
        ladder
    });
    RedrivePlan {
        max_message_bytes: advice::largest(picture, queue),
        rate_per_s,
        mark: asked.mark,
        reason: asked.reason.clone(),
        lanes: asked.lanes.unwrap_or(DEFAULT_LANES),
        ladder,
        gentle,
        ..RedrivePlan::new(queue.url.clone(), queue.arn.clone(), ids, advice::origins(picture, queue))
    }
}

fn move_all(queue: &Queue, asked: &Redrive) -> MoveAllPlan {
    MoveAllPlan {
        from_arn: queue.arn.clone(),
        from: queue.url.clone(),
        to: None,
        max_per_s: match asked.rate {
            Rate::Most(rate) => Some(rate as u32),
            Rate::Derived | Rate::Off => None,
        },
        about: queue.counts.total(),
        reason: asked.reason.clone(),
    }
}

fn is_stale(message: &Message, now: Timestamp, stale_after_s: u64) -> bool {
    let stale_after_ms = i64::try_from(stale_after_s).unwrap_or(i64::MAX).saturating_mul(1000);
    now.ms_since(message.system.sent_at) > stale_after_ms
}

/// Old work was chosen: by the flag, or by an age that was asked for.
fn takes_old(asked: &Redrive) -> bool {
    let aged = |text: &String| text.split_whitespace().any(|word| word.starts_with("age"));
    let named = matches!(asked.what, Which::Ids(_));
    named || asked.stale || asked.expression.as_ref().is_some_and(aged)
}

fn spoken_s(seconds: u64) -> String {
    spoken(i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000))
}

/// More are not held in memory at once; a second call takes the next.
const SCAN_MOST: u32 = 100_000;
