//! Switching faults and load while the pipeline runs.

use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::Fault;
use crate::pipeline::history::Deed;
use crate::pipeline::notice::Happening;
use crate::pipeline::rng::fixed;

impl Pipeline {
    /// False when there is no such switch.
    pub(super) fn switch(&mut self, name: &str, on: bool) -> bool {
        let Ok(changed) = self.faults.set(name, on) else { return false };
        if let Some(fault) = changed {
            self.note(Deed::Switched, fixed(0, name), u64::from(on));
            let switch = name.to_owned();
            self.tell(|| Happening::Switched { switch, on });
            self.act_on(&fault, on);
        }
        true
    }

    /// A switch that is on from the start, whose fault is an act and not a state.
    pub(super) fn switched_on_at_start(&mut self, name: &str) {
        let fault = self.blueprint.switches.iter().find(|switch| switch.name == name).map(|s| s.fault.clone());
        if let Some(fault) = fault {
            self.act_on(&fault, true);
        }
    }

    fn act_on(&mut self, fault: &Fault, on: bool) {
        match fault {
            Fault::StoppedConsumer { function } => {
                let fed: Vec<usize> = (0..self.mappings.len())
                    .filter(|mapping| {
                        let entry = &self.mappings[*mapping];
                        self.functions.get(entry.function).blueprint.name == *function
                    })
                    .collect();
                for mapping in fed {
                    let settings = self.mappings[mapping].settings().clone();
                    if self.mappings[mapping].will_be_enabled() == on {
                        self.begin_transition(mapping, settings, !on);
                    }
                }
            }
            Fault::FailingStep { .. }
            | Fault::Poison { .. }
            | Fault::Slow { .. }
            | Fault::Crowded { .. }
            | Fault::Throttled { .. }
            | Fault::Surge { .. }
            | Fault::Broken { .. }
            | Fault::RecursionGuard { .. } => {}
        }
    }
}
