//! CloudWatch alarms that arrived. Without the permission to read them one line says so, and nothing
//! else is different.

use crate::console::update::facts::{frozen, note};
use crate::console::update::opening;
use crate::console::{Asked, Console};
use crate::model::alarm::Alarm;
use crate::model::observed::Observed;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;

pub(super) fn arrived(console: &mut Console, at: Timestamp, result: Result<Vec<Alarm>, ServiceError>) {
    console.schedule.alarms.answered(result.is_ok());
    match note(console, Asked::Alarms, result) {
        Some(_) if frozen(console) => {}
        Some(alarms) => {
            let alarms = alarms.into_iter().map(|alarm| (alarm.name.clone(), alarm)).collect();
            console.picture.alarms = Some(Observed::new(alarms, at));
        }
        None => {
            if let Some(old) = &mut console.picture.alarms {
                old.stale = console.troubles.get(&Asked::Alarms).cloned();
            }
        }
    }
    opening::open_wanted(console);
}
