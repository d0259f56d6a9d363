//! Test only: nothing is wrong tonight, and some things are to be mended; one of them somebody knows
//! about.

use crate::console::Console;
use crate::console::screen::Screen;
use crate::model::acknowledgement::Acknowledgement;
use crate::model::function::{FunctionSettings, Reading};
use crate::model::observed::Observed;
use crate::ui::fixture;
use crate::ui::scenes::{account, type_keys};
use crate::verdict;

pub fn map() -> Console {
    let mut console = account();
    let settings = FunctionSettings { recursion_allowed: Reading::Known(false), ..FunctionSettings::default() };
    console.picture.function_settings.insert("JobWorker".into(), Observed::new(settings, fixture::now()));
    console.posture = verdict::posture::judge(&console.picture);
    let known = &console.posture.advice[0];
    let (rule, key) = (known.rule.clone(), known.key());
    let acknowledgement = Acknowledgement {
        severity: known.severity,
        at: fixture::now().plus_s(-7200),
        note: "owned by the data team".to_owned(),
        by: "arn:aws:sts::123456789012:assumed-role/operator/ann".to_owned(),
    };
    console.acknowledged.insert(key, acknowledgement);
    console.findings = verdict::posture::grouped(&console.posture, |_| true);
    console.findings.sort_by_key(|line| line.rule == rule);
    console
}

pub fn list() -> Console {
    let mut console = map();
    console.screens.push(Screen::Posture);
    type_keys(&mut console, "j");
    console
}

/// What is told of it, scrolled to its end.
pub fn scrolled() -> Console {
    let mut console = list();
    console.posture_detail = crate::console::posture::Detail { focused: true, scroll: 9 };
    console
}
