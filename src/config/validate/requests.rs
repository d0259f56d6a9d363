//! `rescue requests`: what its flags mean together.

use crate::config::flags::requests::RequestsFlags;
use crate::config::requests::Requests;
use crate::config::validate::consent;
use crate::config::{Action, Stop};
use crate::model::object::Place;

/// CloudWatch keeps one-minute metrics for 15 days.
const LONGEST_S: u64 = 14 * 86_400;

pub(super) fn requests(flags: RequestsFlags) -> Result<Action, Stop> {
    if flags.since == 0 {
        return Err(Stop::fault("--since 0 looks at nothing; --since 2h looks at the last two hours"));
    }
    if flags.since > LONGEST_S {
        return Err(Stop::fault("--since reaches further back than 14 d: the metrics it concludes from are gone"));
    }
    if flags.max == 0 {
        return Err(Stop::fault("--max 0 looks at nothing"));
    }
    let place = |text: String| match Place::parse(&text) {
        Some(place) => Ok(place),
        None => Place::parse(&format!("s3://{text}")).ok_or_else(|| {
            Stop::fault(format!("--bucket {text:?} is no bucket: give its name, or s3://BUCKET/PREFIX"))
        }),
    };
    let mut ids = flags.ids;
    ids.sort();
    ids.dedup();
    Ok(Action::Requests(Requests {
        since_s: flags.since,
        place: flags.bucket.map(place).transpose()?,
        function: flags.function,
        ids,
        unclear: flags.unclear,
        scan: flags.scan,
        max: flags.max,
        output: flags.output.output,
        consent: consent(&flags.consent),
        reason: flags.reason,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Consent;
    use crate::config::tests::parse;

    #[test]
    fn a_time_is_needed_and_a_bucket_is_one() {
        let line = "redrive rescue requests --since 2h --bucket s3://store/automations/ --id b --id a --id b --yes";
        let Action::Requests(asked) = parse(line).expect("valid").action else { panic!("requests") };
        assert_eq!(
            (asked.since_s, asked.ids, asked.consent),
            (7_200, vec!["a".to_owned(), "b".to_owned()], Consent::Yes)
        );
        assert_eq!(asked.place.map(|place| place.to_string()).as_deref(), Some("s3://store/automations/"));
        for wrong in [
            "",
            "--since 0s",
            "--since 15d",
            "--since 1h --max 0",
            "--since 1h --bucket s3://",
            "--since 1h --yes --dry-run",
        ] {
            assert!(parse(&format!("redrive rescue requests {wrong}")).is_err(), "{wrong}");
        }
    }
}
