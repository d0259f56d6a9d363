//! `logs`: what goes together.

use crate::config::flags::logs::LogsFlags;
use crate::config::{Action, Logs, Stop};

/// Further back nobody reads within the bounds of one command.
const LONGEST_S: u64 = 7 * 86_400;

pub fn logs(flags: LogsFlags) -> Result<Action, Stop> {
    if flags.since == 0 {
        return Err(Stop::fault("--since 0 reads nothing; --since 15m reads the last quarter of an hour"));
    }
    if flags.since > LONGEST_S {
        return Err(Stop::fault("--since reaches further back than 7 d"));
    }
    if flags.grep.as_deref().is_some_and(|text| text.replace('"', "").trim().is_empty()) {
        return Err(Stop::fault("--grep is empty: give a text, or leave it out to see what looks like trouble"));
    }
    Ok(Action::Logs(Logs {
        function: function(&flags.function)?,
        since_s: flags.since,
        follow: flags.follow,
        grep: flags.grep,
        reveal: flags.reveal,
        output: flags.output.output,
    }))
}

/// The name, of an ARN the part that is one.
fn function(text: &str) -> Result<String, Stop> {
    let name = if text.starts_with("arn:") {
        let mut parts = text.split(':');
        let lambda = parts.nth(2) == Some("lambda") && parts.nth(2) == Some("function");
        parts.next().filter(|_| lambda)
    } else {
        Some(text.split(':').next().unwrap_or(text))
    };
    let is_name = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    name.filter(is_name).map(str::to_owned).ok_or_else(|| {
        Stop::fault(format!("{text:?} is no function; give its name, or arn:aws:lambda:REGION:ACCOUNT:function:NAME"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Output;
    use crate::config::tests::parse;

    #[test]
    fn a_log_has_a_function_and_a_window() {
        let line = "redrive logs JobWorker --since 1h --grep -x- -o json --follow";
        let Action::Logs(logs) = parse(line).expect("valid").action else { panic!("logs") };
        let told = (logs.function.as_str(), logs.since_s, logs.follow, logs.grep.as_deref(), logs.output);
        assert_eq!(told, ("JobWorker", 3_600, true, Some("-x-"), Output::Json));
        let Action::Logs(logs) = parse("redrive logs JobWorker").expect("valid").action else { panic!("logs") };
        assert_eq!((logs.since_s, logs.follow, logs.grep), (900, false, None));
        for named in ["arn:aws:lambda:eu-west-1:123456789012:function:JobWorker:live", "JobWorker:live"] {
            let Action::Logs(logs) = parse(&format!("redrive logs {named}")).expect("valid").action else { panic!() };
            assert_eq!(logs.function, "JobWorker", "{named}");
        }
        for bad in [
            "redrive logs",
            "redrive logs JobWorker --since 0s",
            "redrive logs JobWorker --since 8d",
            "redrive logs JobWorker --since soon",
            "redrive logs JobWorker --grep \"",
            "redrive logs arn:aws:sqs:eu-west-1:123456789012:JobQueue",
            "redrive logs /aws/lambda/JobWorker",
        ] {
            let stop = parse(bad).expect_err(bad);
            assert!(!stop.asked, "{bad}");
        }
    }
}
