//! Commands that only look. One picture is read, as the console would read it, and reported.

use std::collections::BTreeSet;

use crate::aws::Account;
use crate::aws::survey::{Invokers, Survey};
use crate::command::failure::Failure;
use crate::command::{Here, print, say};
use crate::config::exit;
use crate::console::rows::JournalRow;
use crate::driver::clock::Clock;
use crate::model::acknowledgement::Acknowledged;
use crate::model::change::Change;
use crate::model::function::FunctionQuestion;
use crate::model::id::{QueueName, QueueUrl};
use crate::model::mapping::Mapping;
use crate::model::metric::MetricKey;
use crate::model::observed::Observed;
use crate::model::picture::Picture;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::report::{self, Style};
use crate::verdict;

/// What was read, and what could not be.
pub struct Look {
    pub account: Account,
    pub picture: Picture,
    pub missing: Vec<String>,
    /// Functions that were not asked who may invoke them.
    pub unasked: usize,
    pub now: Timestamp,
}

/// Whose metrics are asked for: each is paid for.
pub enum Names {
    All,
    /// Functions, queues, tables and mappings, as dimensions name them.
    Only(BTreeSet<String>),
}

impl Names {
    fn has(&self, key: &MetricKey) -> bool {
        match self {
            Names::All => true,
            Names::Only(names) => key.dimensions.iter().any(|(_, value)| names.contains(value)),
        }
    }
}

/// History asked of CloudWatch: what the verdicts' windows need.
const WINDOW_S: i64 = 3 * 3600;

/// Policies asked for by commands that do not draw who invokes whom: as many as Lambda answers at
/// once. The rest would be a second each.
const POLICIES_AT_ONCE: usize = 10;

/// Connects, and reads everything but metrics; who invokes the functions only where that is quick.
///
/// # Errors
/// When the account cannot be reached at all; a part that cannot be read is in `missing`.
pub async fn look(here: &Here) -> Result<Look, Failure> {
    read(here, POLICIES_AT_ONCE).await
}

/// The same, with who invokes the functions, however long that takes.
///
/// # Errors
/// As [`look`].
pub async fn look_whole(here: &Here) -> Result<Look, Failure> {
    read(here, usize::MAX).await
}

async fn read(here: &Here, policies_most: usize) -> Result<Look, Failure> {
    let account = Account::connect(here.connect_options()).await?;
    let scope = &here.place.scope;
    let known = Invokers::new();
    let (identity, mut survey) = tokio::join!(account.identity(), account.survey_of(scope, &known));
    let policies = survey.unasked.len();
    if policies <= policies_most {
        if policies > POLICIES_AT_ONCE {
            say(&format!("redrive: asking Lambda who may invoke {policies} functions, one a second"));
        }
        account.add_invokers(&mut survey).await;
    }
    let now = now(&account);
    let mut picture = Picture { objectives: here.place.context.objectives.clone(), ..Picture::default() };
    let Survey { topology, mappings, functions, queues, mut missing, denied, unasked, .. } = survey;
    missing.extend(denied.iter().map(|action| not_allowed(action)));
    match identity {
        Ok(identity) => picture.identity = Some(Observed::new(identity, now)),
        Err(error) => missing.push(error.to_string()),
    }
    picture.topology = Some(Observed::new(topology?, now));
    for (arn, result) in account.stream_summaries(mappings.as_deref().unwrap_or_default()).await {
        match result {
            Ok(summary) => drop(picture.streams.insert(arn, Observed::new(summary, now))),
            Err(error) if error.is_denied() => missing.push(not_allowed(&error.action)),
            Err(error) => missing.push(format!("how long {} keeps records: {error}", arn.resource())),
        }
    }
    for mapping in mappings.into_iter().flatten() {
        picture.changes.extend(Change::of_mapping(&mapping, now));
        picture.mappings.insert(mapping.id.clone(), Observed::new(mapping, now));
    }
    for function in functions.into_iter().flatten() {
        picture.changes.extend(Change::of_function(&function, now));
        picture.functions.insert(function.name.clone(), Observed::new(function, now));
    }
    for queue in queues.into_iter().filter_map(|(_, result)| result.ok()) {
        picture.changes.extend(Change::of_queue(&queue, now));
        picture.put_queue(queue, now);
    }
    picture.changes.sort_by_key(|change| change.at);
    Ok(Look { account, picture, missing, unasked: unasked.len(), now })
}

fn not_allowed(action: &str) -> String {
    format!("{action}: not allowed here; `redrive doctor` prints the policy")
}

impl Look {
    /// Adds the stacks that changed something of the picture within a day.
    pub async fn with_stacks(mut self) -> Self {
        match self.account.stacks().await {
            Ok(stacks) => {
                for stack in stacks {
                    self.picture.changes.extend(Change::of_stack(&stack, &self.picture.changes, self.now));
                }
                self.picture.changes.sort_by_key(|change| change.at);
            }
            Err(error) if error.is_denied() => self.missing.push(not_allowed(&error.action)),
            Err(error) => self.missing.push(format!("stacks: {error}")),
        }
        self
    }

    /// Adds the alarms of the region; without them a line says so.
    pub async fn with_alarms(mut self) -> Self {
        self.add_alarms().await;
        self
    }

    async fn add_alarms(&mut self) {
        let why = match self.account.alarms().await {
            Ok(alarms) => {
                let alarms = alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)).collect();
                self.picture.alarms = Some(Observed::new(alarms, self.now));
                return;
            }
            Err(error) if error.is_denied() => not_allowed(&error.action),
            Err(error) => format!("alarms: {error}"),
        };
        if !self.missing.contains(&why) {
            self.missing.push(why);
        }
    }

    /// Reads these queues again and, with `slow`, the mappings and the metrics of these names too, and
    /// takes the account's time.
    ///
    /// # Errors
    /// When nothing of it could be read; what is partly old is judged by its age.
    pub async fn refresh(&mut self, queues: &[QueueName], slow: Option<&Names>) -> Result<(), ServiceError> {
        let known = |name: &QueueName| self.picture.queues.get(name).map(|queue| queue.value.url.clone());
        let urls: Vec<QueueUrl> = queues.iter().filter_map(known).collect();
        let topology = self.picture.topology.as_ref().map(|topology| topology.value.clone());
        let results = self.account.queues(&urls, topology.as_ref()).await;
        let mut answers: Vec<Result<(), ServiceError>> = Vec::new();
        self.now = now(&self.account);
        for (name, result) in results {
            match result {
                Ok(queue) => {
                    self.picture.put_queue(queue, self.now);
                    answers.push(Ok(()));
                }
                Err(error) if error.is_missing() => {
                    self.picture.queues.remove(&name);
                    answers.push(Ok(()));
                }
                Err(error) => answers.push(Err(error)),
            }
        }
        if let Some(names) = slow {
            answers.push(self.refresh_mappings().await);
            self.add_metrics(names).await;
            if matches!(names, Names::All) {
                self.add_alarms().await;
            }
        }
        match answers.iter().any(Result::is_ok) || answers.is_empty() {
            true => Ok(()),
            false => answers.swap_remove(0),
        }
    }

    async fn refresh_mappings(&mut self) -> Result<(), ServiceError> {
        let found = self.account.mappings().await?;
        self.now = now(&self.account);
        let known = |mapping: &Mapping| self.picture.mappings.contains_key(&mapping.id);
        let kept =
            found.into_iter().filter(known).map(|mapping| (mapping.id.clone(), Observed::new(mapping, self.now)));
        self.picture.mappings = kept.collect();
        Ok(())
    }

    /// Adds the metrics that the verdicts want; without them the findings say so.
    pub async fn with_metrics(mut self) -> Self {
        self.add_metrics(&Names::All).await;
        self.add_limits().await;
        self
    }

    /// Adds the metrics of one consumer and of what it reads.
    pub async fn with_metrics_of(mut self, mapping: &Mapping) -> Self {
        let names = [mapping.function.to_string(), mapping.source.resource().to_owned()];
        self.add_metrics(&Names::Only(names.into())).await;
        self
    }

    /// Whose limit refuses runs, where some are refused: two control calls at least, so only then.
    async fn add_limits(&mut self) {
        let throttled = verdict::throttled(&self.picture, self.now);
        for function in throttled.iter().take(LIMITS_MOST) {
            let question = FunctionQuestion::Concurrency;
            let answer = self.account.function_setting(function, question).await.map_err(|error| error.to_string());
            self.picture.put_function_setting(function, question, answer, self.now);
        }
        if !throttled.is_empty() {
            match self.account.account_limits().await {
                Ok(limits) => self.picture.account_limits = limits.map(|limits| Observed::new(limits, self.now)),
                Err(error) if error.is_denied() => self.missing.push(not_allowed(&error.action)),
                Err(error) => self.missing.push(format!("the account's limits: {error}")),
            }
        }
    }

    async fn add_metrics(&mut self, names: &Names) {
        let mut keys = verdict::wanted(&self.picture);
        keys.retain(|key| names.has(key));
        if keys.is_empty() {
            return;
        }
        let to = self.now.floor_to(60).plus_s(60);
        match self.account.metrics(&keys, to.plus_s(-WINDOW_S), to).await {
            Ok(answers) => {
                self.picture.metrics_error = None;
                for (key, points) in answers {
                    match points {
                        Ok(points) => self.picture.metrics.merge(&key, self.now, points),
                        Err(why) => {
                            let line = format!("{}: {why}", key.name);
                            // A broken statistic fails for every function alike.
                            if !self.missing.contains(&line) {
                                self.missing.push(line);
                            }
                        }
                    }
                }
            }
            Err(error) => self.picture.metrics_error = Some(format!("metrics unavailable: {error}")),
        }
    }
}

/// Functions asked for their reserve, of those that are throttled.
const LIMITS_MOST: usize = 5;

/// The account's time: what its newest answer was dated, or local time.
pub fn now(account: &Account) -> Timestamp {
    let local = Clock::aws().account_now();
    let dated = *account.dates().borrow();
    match dated {
        // HTTP dates have whole seconds; within a few of local time local time is finer.
        Some(date) if date.ms_since(local).abs() > 5_000 => date,
        _ => local,
    }
}

pub async fn status(here: &Here, style: Style) -> Result<u8, Failure> {
    let mut look = look(here).await?.with_alarms().await.with_stacks().await.with_metrics().await;
    let acknowledged = acknowledged(here, &mut look);
    if style != Style::Table {
        // A table says so itself.
        tell_missing(&look.missing);
    }
    if look.unasked > 0 {
        let what = "who may invoke them was not asked, nor what asynchronous calls they dropped";
        say(&format!("redrive: of {} functions {what} (`redrive topology` asks the first)", look.unasked));
    }
    let mut findings = verdict::judge(&look.picture, look.now);
    // Without a journal what Lambda says has to do; that it cannot be read is told with acknowledgements.
    if let Ok(outline) = here.journal().and_then(|journal| Ok(journal.outline()?)) {
        JournalRow::tell_who_stopped(&JournalRow::fold(&outline), &mut findings);
    }
    let posture = verdict::posture::judge(&look.picture);
    let elsewhere = verdict::alarm::elsewhere(&look.picture);
    let status = report::status::Status::new(&look.picture, findings, posture, look.missing, look.now);
    let status = status.with_alarms(elsewhere).with_acknowledged(&acknowledged);
    print(&report::one(style, &status, report::status::text))?;
    Ok(match status.missing.is_empty() {
        _ if status.is_bad() => exit::TROUBLE,
        true => exit::FINE,
        // Nothing wrong in what could be read is not "fine".
        false => exit::PARTLY,
    })
}

/// What consoles of this machine have put aside in this account.
fn acknowledged(here: &Here, look: &mut Look) -> Acknowledged {
    let Some(identity) = look.picture.identity.as_ref().map(|identity| &identity.value) else {
        return Acknowledged::new();
    };
    let place = (identity.account.as_str(), identity.region.as_str());
    let read = here.journal().and_then(|journal| Ok(journal.acknowledged(place)?));
    read.unwrap_or_else(|why| {
        look.missing.push(format!("acknowledgements: {}", why.text().unwrap_or_default()));
        Acknowledged::new()
    })
}

pub async fn topology(here: &Here, style: Style) -> Result<u8, Failure> {
    let look = look_whole(here).await?;
    tell_missing(&look.missing);
    let rows = look.picture.topology.as_ref().map(report::topology::rows);
    print(&report::rows(style, &rows.unwrap_or_default(), report::topology::table))?;
    Ok(0)
}

pub async fn consumers(here: &Here, style: Style) -> Result<u8, Failure> {
    let look = look(here).await?.with_metrics().await;
    tell_missing(&look.missing);
    tell_missing(look.picture.metrics_error.as_slice());
    let rows = report::consumer::rows(&look.picture);
    print(&report::rows(style, &rows, |rows| report::consumer::table(rows, look.now)))?;
    Ok(0)
}

pub async fn queues(here: &Here, style: Style, dead_only: bool) -> Result<u8, Failure> {
    let look = look(here).await?;
    tell_missing(&look.missing);
    let mut rows = report::queue::rows(&look.picture);
    rows.retain(|row| !dead_only || !row.dead_letters_of.is_empty());
    print(&report::rows(style, &rows, |rows| report::queue::table(rows, look.now)))?;
    Ok(0)
}

pub fn tell_missing(lines: &[String]) {
    for line in lines {
        crate::command::say(&format!("redrive: not read: {line}"));
    }
}
