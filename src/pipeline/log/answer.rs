//! `FilterLogEvents` over the functions' logs: what is searched, page by page, as CloudWatch Logs does
//! it. A page may find nothing and still have a successor.

use crate::model::id::FunctionName;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::log::pattern::Pattern;
use crate::pipeline::log::{Line, Logs};
use crate::pipeline::log_request::{FilterLogEvents, LogEvent, LogsReply};

/// Events a page holds at most, and by default.
const MAX_EVENTS: u32 = 10_000;
/// Bytes of events a page holds at most.
const MAX_PAGE_BYTES: usize = 1_048_576;
/// Lines a page searches at most: a busy log without a match answers empty pages.
const MAX_SEARCHED: usize = 10_000;
const ACTION: &str = "logs:FilterLogEvents";
const LAMBDA: &str = "/aws/lambda/";

impl Logs {
    /// # Errors
    /// `ResourceNotFoundException` for a group that is not there, `InvalidParameterException`.
    pub fn filter(
        &self,
        ask: &FilterLogEvents,
        exists: impl Fn(&FunctionName) -> bool,
    ) -> Result<LogsReply, ServiceError> {
        let function = function_of(&ask.group).filter(&exists).ok_or_else(|| {
            ServiceError::new(ACTION, "ResourceNotFoundException", "The specified log group does not exist.")
        })?;
        let limit = ask.limit.unwrap_or(MAX_EVENTS);
        if !(1..=MAX_EVENTS).contains(&limit) {
            return Err(invalid(format!("limit {limit} is not between 1 and {MAX_EVENTS}")));
        }
        if !ask.streams.is_empty() && ask.stream_prefix.is_some() {
            return Err(invalid("logStreamNames and logStreamNamePrefix go not together".to_owned()));
        }
        let pattern = Pattern::parse(&ask.pattern).map_err(|why| invalid(format!("Invalid filter pattern: {why}")))?;
        let after = match &ask.token {
            None => None,
            Some(token) => Some(place(token).ok_or_else(|| invalid("The nextToken is not valid".to_owned()))?),
        };
        let from = after.map_or(ask.from.unwrap_or(Timestamp::ZERO), |(at, ..)| at);
        // The end is inclusive here.
        let to = ask.to.unwrap_or(Timestamp::from_ms(i64::MAX - 1)).plus_ms(1);
        Ok(page(self.lines(&function, from, to), ask, &pattern, limit as usize, after))
    }
}

/// Where a page ended: the moment, and how many of its lines were searched.
type Place = (Timestamp, usize);

fn page(lines: Vec<Line>, ask: &FilterLogEvents, pattern: &Pattern, limit: usize, after: Option<Place>) -> LogsReply {
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut place = after.unwrap_or_default();
    for (n, line) in lines.into_iter().skip(place.1).enumerate() {
        let stream = line.environment.stream();
        let wanted = (ask.streams.is_empty() || ask.streams.contains(&stream))
            && ask.stream_prefix.as_ref().is_none_or(|prefix| stream.starts_with(prefix.as_str()))
            && pattern.takes(&line.text);
        let size = line.text.len() + 26;
        if n >= MAX_SEARCHED || (wanted && (events.len() >= limit || bytes + size > MAX_PAGE_BYTES)) {
            return LogsReply::Events { events, token: Some(format!("{}-{}", place.0.ms(), place.1)) };
        }
        place = if line.at == place.0 { (place.0, place.1 + 1) } else { (line.at, 1) };
        if wanted {
            bytes += size;
            // 56 digits that sort by time, as AWS's do.
            let id = format!("{:020}{:018}{:018}", line.at.ms(), line.number, place.1);
            events.push(LogEvent { at: line.at, stream, id, text: line.text });
        }
    }
    LogsReply::Events { events, token: None }
}

fn place(token: &str) -> Option<Place> {
    let (at, searched) = token.split_once('-')?;
    Some((Timestamp::from_ms(at.parse().ok()?), searched.parse().ok()?))
}

/// By the group's name or its ARN.
fn function_of(group: &str) -> Option<FunctionName> {
    let name = group.split_once(":log-group:").map_or(group, |(_, name)| name.trim_end_matches(":*"));
    name.strip_prefix(LAMBDA).map(FunctionName::from)
}

fn invalid(message: String) -> ServiceError {
    ServiceError::new(ACTION, "InvalidParameterException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs() -> Logs {
        let mut logs = Logs::default();
        for n in 0..2_500 {
            let text = if n % 500 == 0 { format!("[ERROR] {n}") } else { format!("[INFO] {n}") };
            // Several lines a moment.
            logs.say(&"F".into(), Timestamp::from_ms(n / 7), &text);
        }
        logs
    }

    fn read(logs: &Logs, ask: &FilterLogEvents) -> (Vec<LogEvent>, usize) {
        let (mut all, mut pages, mut ask) = (Vec::new(), 0, ask.clone());
        loop {
            pages += 1;
            let LogsReply::Events { events, token } = logs.filter(&ask, |name| name.as_str() == "F").expect("read");
            all.extend(events);
            match token {
                Some(token) => ask.token = Some(token),
                None => return (all, pages),
            }
        }
    }

    #[test]
    fn pages_neither_repeat_nor_miss_a_line() {
        let logs = logs();
        let ask = FilterLogEvents { group: "/aws/lambda/F".to_owned(), limit: Some(64), ..FilterLogEvents::default() };
        let (all, pages) = read(&logs, &ask);
        assert_eq!((all.len(), pages), (2_500, 2_500 / 64 + 1));
        assert!(all.iter().enumerate().all(|(n, event)| event.text.ends_with(&format!("] {n}"))));
        let ids: std::collections::BTreeSet<&String> = all.iter().map(|event| &event.id).collect();
        assert!(ids.len() == 2_500 && ids.iter().all(|id| id.len() == 56));
        let errors = FilterLogEvents { pattern: "ERROR".to_owned(), ..ask.clone() };
        assert_eq!(read(&logs, &errors).0.len(), 5);
        let part = FilterLogEvents { from: Some(Timestamp::from_ms(10)), to: Some(Timestamp::from_ms(11)), ..ask };
        assert_eq!(read(&logs, &part).0.len(), 14, "both ends are in");
    }

    #[test]
    fn what_is_not_there_or_not_right_is_refused_by_name() {
        let code = |ask: FilterLogEvents| logs().filter(&ask, |name| name.as_str() == "F").expect_err("refused").code;
        let ask = |group: &str| FilterLogEvents { group: group.to_owned(), ..FilterLogEvents::default() };
        assert_eq!(code(ask("/aws/lambda/G")), "ResourceNotFoundException");
        assert_eq!(code(ask("F")), "ResourceNotFoundException");
        let arn = ask("arn:aws:logs:eu-west-1:1:log-group:/aws/lambda/F:*");
        for wrong in [
            FilterLogEvents { limit: Some(0), ..arn.clone() },
            FilterLogEvents { limit: Some(10_001), ..arn.clone() },
            FilterLogEvents { pattern: "{ $.a".to_owned(), ..arn.clone() },
            FilterLogEvents { token: Some("x".to_owned()), ..arn.clone() },
        ] {
            assert_eq!(code(wrong), "InvalidParameterException");
        }
    }
}
