//! Numbers on the command line, as clap asks for them: what is none is told with what would be one. A
//! minus before it is a number out of range, not an option nobody knows.

use std::ops::RangeInclusive;

/// A whole number, 0 or more, as far as the type goes.
///
/// # Errors
/// What would be one.
pub fn whole<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let number = text.trim().parse::<u64>();
    match number {
        Ok(number) => T::try_from(number).map_err(|_| "it is too large".to_owned()),
        Err(error) if *error.kind() == std::num::IntErrorKind::PosOverflow => Err("it is too large".to_owned()),
        Err(_) => Err("write a whole number, 0 or more".to_owned()),
    }
}

/// A whole number between two others.
///
/// # Errors
/// The two, when it is not.
pub fn within<T: TryFrom<u64>>(text: &str, range: RangeInclusive<u64>) -> Result<T, String> {
    let wrong = || match range.end() {
        &u64::MAX => format!("write a whole number, {} or more", range.start()),
        end => format!("write a whole number from {} to {end}", range.start()),
    };
    let number = whole::<u64>(text).ok().filter(|number| range.contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(wrong)
}

/// One that may have a fraction.
///
/// # Errors
/// What would be one.
pub fn any(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| "write a number: 1, 20, 2.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::parse;

    #[test]
    fn what_is_no_number_is_told_with_what_would_be_one() {
        assert_eq!(whole::<u32>(" 7 "), Ok(7));
        for wrong in ["", "-1", "1.5", "a", "1e3", "०"] {
            assert_eq!(whole::<u32>(wrong), Err("write a whole number, 0 or more".to_owned()), "{wrong}");
        }
        for large in ["4294967296", "99999999999999999999"] {
            assert_eq!(whole::<u32>(large), Err("it is too large".to_owned()), "{large}");
        }
        assert_eq!(within("200", 1..=200), Ok(200_u32));
        assert_eq!(within::<u32>("0", 1..=200), Err("write a whole number from 1 to 200".to_owned()));
        assert_eq!(within::<u64>("0", 1..=u64::MAX), Err("write a whole number, 1 or more".to_owned()));
        assert_eq!(any("-0.5"), Ok(-0.5));
        assert!(any("inf").is_err() && any("NaN").is_err() && any("fast").is_err());
    }

    #[test]
    fn a_minus_is_a_number_out_of_range_and_no_option_nobody_knows() {
        for (line, said) in [
            ("dlq redrive JobDLQ --rate -1", "--rate \"-1\" is neither a number"),
            ("dlq redrive JobDLQ --canary -1", "'-1' for '--canary <N,N,…>': write a whole number, 0 or more"),
            ("dlq redrive JobDLQ --canary 1,b", "'b' for '--canary <N,N,…>': write a whole number, 0 or more"),
            ("dlq redrive JobDLQ --limit -5", "'-5' for '--limit <N>': write a whole number, 0 or more"),
            ("sandbox --seed -1", "'-1' for '--seed <N>': write a whole number, 0 or more"),
            ("sandbox --seed 99999999999999999999", "it is too large"),
            ("sandbox --speed -1", "--speed -1 is not between"),
            ("sandbox --speed fast", "'fast' for '--speed <N>': write a number: 1, 20, 2.5"),
            ("sandbox --headless --for -10m", "\"-10m\" is no duration"),
            ("rehearse LogWorker --samples 0", "write a whole number from 1 to 200"),
            ("rehearse LogWorker --candidates -5", "\"-5\" is no setting"),
            ("tune LogWorker --max-concurrency -2", "--max-concurrency \"-2\" is neither a number nor none"),
        ] {
            let fault = parse(&format!("redrive {line}")).expect_err(line).text;
            assert!(fault.contains(said), "{line}: {fault}");
        }
    }
}
