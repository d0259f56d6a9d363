//! Reads a function's log in bounds: whole when it is quiet, else only lines that look like trouble and
//! a sample of the reports, the newest stretch first. `FilterLogEvents` answers the oldest first and
//! may answer empty pages; so a busy window is asked for in stretches from its end.

use serde_json::{Value, json};

use crate::aws::Account;
use crate::aws::failure::refused;
use crate::aws::signed::{Api, JSON_1_1, Protocol};
use crate::model::id::FunctionName;
use crate::model::log::{LogAsk, LogLine, LogReading, default_group};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

const LOGS: Api = Api {
    id: "CloudWatch Logs",
    host: "logs",
    signing_name: "logs",
    protocol: Protocol::Json { content_type: JSON_1_1, target: "Logs_20140328" },
};

/// Pages and bytes of an unfiltered reading: more, and the log is too busy to be read whole.
const WHOLE_PAGES: u32 = 3;
const WHOLE_BYTES: u64 = 2 * 1024 * 1024;
/// Pages and bytes of the lines that look like trouble.
const TROUBLE_PAGES: u32 = 12;
const TROUBLE_BYTES: u64 = 4 * 1024 * 1024;
/// Pages and bytes of the reports.
const REPORT_PAGES: u32 = 3;
const REPORT_BYTES: u64 = 1024 * 1024;
/// The newest stretch of a busy window; each one before it is twice as long.
const FIRST_STRETCH_MS: i64 = 2 * 60 * 1000;
/// Lines that look like trouble: loggers' levels, exceptions' names, Lambda's own words. A term is
/// found in text and in JSON alike; case counts.
const TROUBLE: &str = "?ERROR ?Error ?error ?FATAL ?fatal ?CRITICAL ?Exception ?exception ?WARN ?Warn ?warn ?Traceback ?panicked \
    ?\"Task timed out\" ?\"Status: timeout\" ?\"Status: error\" ?\"Runtime exited\" ?\"Process exited\" ?Throttl ?\"Rate exceeded\" \
    ?OutOfMemory ?\"signal: killed\"";
const REPORTS: &str = "?\"REPORT RequestId\" ?\"platform.report\"";

impl Account {
    /// Reads the window. Repeats what was throttled, as every read does; answers what it got when the
    /// budget is spent, and says from when on that is everything.
    ///
    /// # Errors
    /// What CloudWatch Logs refused; `ResourceNotFoundException` for a function that never ran.
    pub async fn log(&self, ask: &LogAsk) -> Result<LogReading, ServiceError> {
        let mut reading = LogReading {
            group: ask.group.clone(),
            from: ask.from,
            to: ask.to,
            complete_from: ask.from,
            ..LogReading::default()
        };
        let trouble = Budget { pages: TROUBLE_PAGES, bytes: TROUBLE_BYTES };
        if let Some(text) = &ask.grep {
            reading.complete_from = self.backwards(ask, &phrase(text), trouble, &mut reading).await?;
            return Ok(reading.sorted());
        }
        let whole = Budget { pages: WHOLE_PAGES, bytes: WHOLE_BYTES };
        if self.stretch(ask, (ask.from, ask.to), "", whole, &mut reading).await? {
            return Ok(reading.sorted());
        }
        reading.lines.clear();
        reading.filtered = true;
        reading.complete_from = self.backwards(ask, TROUBLE, trouble, &mut reading).await?;
        let reports = Budget { pages: REPORT_PAGES, bytes: REPORT_BYTES };
        self.backwards(ask, REPORTS, reports, &mut reading).await?;
        Ok(reading.sorted())
    }

    /// Stretches from the end of the window to its beginning; answers from when on all is read.
    async fn backwards(
        &self,
        ask: &LogAsk,
        pattern: &str,
        mut budget: Budget,
        reading: &mut LogReading,
    ) -> Result<Timestamp, ServiceError> {
        let (mut to, mut length_ms) = (ask.to, FIRST_STRETCH_MS);
        let mut complete_from = ask.to;
        while to > ask.from {
            let from = to.plus_ms(-length_ms).max(ask.from);
            let before = (reading.requests, reading.bytes);
            if !self.stretch(ask, (from, to), pattern, budget, reading).await? {
                return Ok(complete_from);
            }
            budget.pages = budget.pages.saturating_sub(reading.requests - before.0);
            budget.bytes = budget.bytes.saturating_sub(reading.bytes - before.1);
            complete_from = from;
            // The end is inclusive.
            (to, length_ms) = (from.plus_ms(-1), length_ms * 2);
        }
        Ok(complete_from)
    }

    /// Reads a stretch page by page; false when the budget did not reach to its end.
    async fn stretch(
        &self,
        ask: &LogAsk,
        (from, to): (Timestamp, Timestamp),
        pattern: &str,
        budget: Budget,
        reading: &mut LogReading,
    ) -> Result<bool, ServiceError> {
        let mut token: Option<String> = None;
        let (mut pages, mut bytes) = (0, 0);
        while pages < budget.pages && bytes < budget.bytes {
            let mut body = json!({"logGroupName": ask.group, "startTime": from.ms(), "endTime": to.ms()});
            if !pattern.is_empty() {
                body["filterPattern"] = json!(pattern);
            }
            if let Some(token) = &token {
                body["nextToken"] = json!(token);
            }
            let page = self.json(&LOGS, "logs:FilterLogEvents", &body).await?;
            let lines: Vec<LogLine> =
                page.get("events").and_then(Value::as_array).into_iter().flatten().filter_map(line).collect();
            let size: u64 = lines.iter().map(|line| line.text.len() as u64).sum();
            self.meter.read_log(size);
            reading.requests += 1;
            reading.bytes += size;
            reading.lines.extend(lines);
            (pages, bytes) = (pages + 1, bytes + size);
            let next = page.get("nextToken").and_then(Value::as_str).map(str::to_owned);
            if next.is_none() || next == token {
                return Ok(true);
            }
            token = next;
        }
        Ok(false)
    }

    /// The same of a function: where its usual group is not there, that of its configuration is read.
    ///
    /// # Errors
    /// What CloudWatch Logs refused.
    pub async fn log_of(&self, function: &FunctionName, ask: LogAsk) -> Result<LogReading, ServiceError> {
        let missing = match self.log(&ask).await {
            Err(error) if error.is_missing() => error,
            read => return read,
        };
        match self.log_group(function).await {
            Ok(group) if group != ask.group => self.log(&LogAsk { group, ..ask }).await,
            // There is no such function at all.
            Err(error) if error.is_missing() => Err(error),
            _ => Err(missing),
        }
    }

    /// Where the function's lines go, by its configuration.
    ///
    /// # Errors
    /// What `GetFunctionConfiguration` refused: it may not exist.
    pub async fn log_group(&self, function: &FunctionName) -> Result<String, ServiceError> {
        let request = self.reads.lambda.get_function_configuration().function_name(function.as_str());
        let answer = request.send().await.map_err(|e| refused("lambda:GetFunctionConfiguration", &e))?;
        let named = answer.logging_config().and_then(|config| config.log_group());
        Ok(named.map_or_else(|| default_group(function), str::to_owned))
    }
}

#[derive(Debug, Clone, Copy)]
struct Budget {
    pages: u32,
    bytes: u64,
}

impl LogReading {
    /// Each line once, oldest first.
    fn sorted(mut self) -> Self {
        self.lines.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        self.lines.dedup_by(|a, b| !a.id.is_empty() && a.id == b.id);
        self
    }
}

fn line(event: &Value) -> Option<LogLine> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let at = Timestamp::from_ms(event.get("timestamp")?.as_i64()?);
    Some(LogLine { at, stream: text("logStreamName"), id: text("eventId"), text: text("message") })
}

/// A filter pattern that finds the text as it is typed.
fn phrase(text: &str) -> String {
    format!("\"{}\"", text.replace('"', ""))
}
