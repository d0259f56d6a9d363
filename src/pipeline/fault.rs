//! The switches of a blueprint and what those that are on do. Asked by whoever the fault hits; it
//! changes nothing by itself.

use crate::automation::event::EventItem;
use crate::automation::fault::HandlerError;
use crate::automation::identity::RunId;
use crate::automation::log_worker::Failing;
use crate::model::bench::Switch;
use crate::model::id::FunctionName;
use crate::pipeline::blueprint::{Fault, SwitchBlueprint};
use crate::pipeline::rng::{fixed, mix};

/// How LogWorker tells of an event it cannot index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoisonKind {
    /// The handler throws: the whole batch fails and Errors counts it.
    Exception,
    /// The handler answers batchItemFailures: Errors stays 0 (aws-facts §2.1).
    PartialBatch,
}

#[derive(Debug)]
pub struct Faults {
    switches: Vec<SwitchBlueprint>,
    /// Picks the runs and events that a fault hits, always the same.
    salt: u64,
}

impl Faults {
    pub fn new(switches: &[SwitchBlueprint], seed: u64) -> Self {
        Faults { switches: switches.to_vec(), salt: fixed(seed, "fault") }
    }

    pub fn shown(&self) -> Vec<Switch> {
        let shown = |s: &SwitchBlueprint| Switch { name: s.name.clone(), what: s.what.clone(), on: s.on };
        self.switches.iter().map(shown).collect()
    }

    /// Switches by name; the fault when that changed anything, an error when there is no such switch.
    pub fn set(&mut self, name: &str, on: bool) -> Result<Option<Fault>, NoSuchSwitch> {
        let switch = self.switches.iter_mut().find(|switch| switch.name == name).ok_or(NoSuchSwitch)?;
        let changed = switch.on != on;
        switch.on = on;
        Ok(changed.then(|| switch.fault.clone()))
    }

    /// Why the world outside refuses to do the action for the run.
    pub fn refuses_action(&self, action: &str, run: RunId) -> Option<HandlerError> {
        let hit = self.on().any(|fault| match fault {
            Fault::FailingStep { action: failing, one_in } => failing == action && self.hits(run.number(), *one_in),
            _ => false,
        });
        hit.then(|| HandlerError::new("ProviderError", format!("the provider refused to {action}: 503 unavailable")))
    }

    /// Why the index refuses the event.
    pub fn refuses_event(&self, event: &EventItem) -> Option<String> {
        let key = event.identity.item_key().item_hash();
        let hit = self.on().any(|fault| matches!(fault, Fault::Poison { one_in, .. } if self.hits(key, *one_in)));
        hit.then(|| "mapper_parsing_exception: failed to parse field [data]".to_owned())
    }

    /// How LogWorker tells of an event it cannot index.
    pub fn failing(&self) -> Failing {
        let throws = |fault: &Fault| matches!(fault, Fault::Poison { how: PoisonKind::Exception, .. });
        if self.on().any(throws) { Failing::Throws } else { Failing::Reports }
    }

    /// Percent of its usual time a run of the function takes, `running` of them under way.
    pub fn slowness_percent(&self, function: &FunctionName, running: u32) -> u64 {
        let others = u64::from(running.saturating_sub(1));
        let slow = self.on().filter_map(|fault| match fault {
            Fault::Slow { function: name, percent } if name == function => Some(u64::from(*percent)),
            Fault::Crowded { function: name, per_mille } if name == function => {
                Some(100 + u64::from(*per_mille) * others / 10)
            }
            _ => None,
        });
        slow.fold(100, |sum, percent| sum * percent / 100)
    }

    /// How often the function may run at a time, if a fault says.
    pub fn concurrency(&self, function: &FunctionName) -> Option<u32> {
        let limits = self.on().filter_map(|fault| match fault {
            Fault::Throttled { function: name, concurrency } if name == function => Some(*concurrency),
            _ => None,
        });
        limits.min()
    }

    /// Percent of its usual rate the load arrives at.
    pub fn surge_percent(&self) -> u64 {
        let surges = self.on().filter_map(|fault| match fault {
            Fault::Surge { percent } => Some(u64::from(*percent)),
            _ => None,
        });
        surges.fold(100, |sum, percent| sum * percent / 100)
    }

    /// Whether every run of the function throws.
    pub fn breaks(&self, function: &FunctionName) -> bool {
        self.on().any(|fault| matches!(fault, Fault::Broken { function: name } if name == function))
    }

    pub fn guards_recursion(&self, function: &FunctionName) -> bool {
        self.on().any(|fault| matches!(fault, Fault::RecursionGuard { function: name } if name == function))
    }

    fn on(&self) -> impl Iterator<Item = &Fault> {
        self.switches.iter().filter(|switch| switch.on).map(|switch| &switch.fault)
    }

    fn hits(&self, key: u64, one_in: u32) -> bool {
        one_in > 0 && mix(key ^ self.salt).is_multiple_of(u64::from(one_in))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchSwitch;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_slows_its_own_runs_and_no_others() {
        let fault = Fault::Crowded { function: "A".into(), per_mille: 50 };
        let switch = SwitchBlueprint { name: "crowd".into(), what: String::new(), on: true, fault };
        let faults = Faults::new(&[switch], 7);
        let percent = |function: &str, running| faults.slowness_percent(&function.into(), running);
        assert_eq!([percent("A", 1), percent("A", 11), percent("B", 11)], [100, 150, 100]);
    }
}
