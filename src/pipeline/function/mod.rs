//! The functions of the account: how many of each may run, how long a run takes, whether it fails by
//! itself. What a run does is elsewhere; this only admits, draws and counts.

pub mod answer;
pub mod asynchronous;
pub mod event;
pub mod lineage;
pub mod run;

use rand_chacha::ChaCha8Rng;

use crate::model::function::Function as Shown;
use crate::model::id::{Arn, FunctionName};
use crate::model::time::Timestamp;
use crate::pipeline::blueprint::{Blueprint, FunctionBlueprint};
use crate::pipeline::deploy::DEPLOYED_S;
use crate::pipeline::distribution::one_in;
use crate::pipeline::rng::{fixed, rng};

#[derive(Debug)]
pub struct Functions {
    all: Vec<Function>,
    account_limit: u32,
    running: u32,
}

#[derive(Debug)]
pub struct Function {
    pub blueprint: FunctionBlueprint,
    pub arn: Arn,
    pub reserved: Option<u32>,
    pub allow_recursion: bool,
    pub running: u32,
    /// When code or configuration last changed.
    pub modified_at: Timestamp,
    code_sha256: String,
    /// Deploys since the start, and when the last of them was.
    deploys: u64,
    pub deployed_at: Option<Timestamp>,
    service: ChaCha8Rng,
    failure: ChaCha8Rng,
}

/// What was drawn for a run that has been admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    pub takes_ms: i64,
    /// It would take longer than the time-out and is cut off there.
    pub times_out: bool,
    /// It fails for no reason of the event's.
    pub fails: bool,
}

impl Functions {
    pub fn new(blueprint: &Blueprint, seed: u64, start: Timestamp) -> Self {
        let function = |function: &FunctionBlueprint| Function {
            arn: Arn::new(format!(
                "arn:aws:lambda:{}:{}:function:{}",
                blueprint.region, blueprint.account, function.name
            )),
            reserved: function.reserved_concurrency,
            allow_recursion: function.allow_recursion,
            running: 0,
            modified_at: start.plus_s(-DEPLOYED_S),
            code_sha256: code_sha256(&function.name, 0),
            deploys: 0,
            deployed_at: None,
            service: rng(seed, &format!("service/{}", function.name)),
            failure: rng(seed, &format!("failure/{}", function.name)),
            blueprint: function.clone(),
        };
        let all = blueprint.functions.iter().map(function).collect();
        Functions { all, account_limit: blueprint.limits.concurrency, running: 0 }
    }

    pub fn find(&self, name: &FunctionName) -> Option<usize> {
        self.all.iter().position(|function| function.blueprint.name == *name)
    }

    /// A name, a partial or a whole ARN, with or without version: as Lambda's APIs take it.
    pub fn find_text(&self, text: &str) -> Option<usize> {
        self.all.iter().position(|function| {
            let name = function.blueprint.name.as_str();
            let bare = |text: &str| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
            bare(text) || text.split_once(":function:").is_some_and(|(_, rest)| bare(rest))
        })
    }

    pub fn get(&self, index: usize) -> &Function {
        &self.all[index]
    }

    pub fn get_mut(&mut self, index: usize) -> &mut Function {
        &mut self.all[index]
    }

    pub fn iter(&self) -> impl Iterator<Item = &Function> {
        self.all.iter()
    }

    /// Takes a place for a run; false when the function or the account is at its limit. `fault` is
    /// a limit somebody sets on top.
    pub fn admit(&mut self, index: usize, fault: Option<u32>) -> bool {
        let function = &self.all[index];
        let own = [function.reserved, fault].into_iter().flatten().min();
        let full = match own {
            Some(limit) if function.running >= limit => true,
            Some(_) if function.reserved.is_some() => false,
            _ => self.unreserved_running() >= self.unreserved_limit(),
        };
        if !full {
            self.all[index].running += 1;
            self.running += 1;
        }
        !full
    }

    pub fn release(&mut self, index: usize) {
        self.all[index].running = self.all[index].running.saturating_sub(1);
        self.running = self.running.saturating_sub(1);
    }

    pub fn running(&self) -> u32 {
        self.running
    }

    pub fn account_limit(&self) -> u32 {
        self.account_limit
    }

    /// What functions without reserved concurrency share.
    pub fn unreserved_limit(&self) -> u32 {
        self.account_limit.saturating_sub(self.all.iter().filter_map(|function| function.reserved).sum())
    }

    /// Runs of functions without a reserve.
    pub fn unreserved_running(&self) -> u32 {
        self.all.iter().filter(|function| function.reserved.is_none()).map(|function| function.running).sum()
    }

    /// Draws what becomes of a run with so many records, at `percent` of its usual time.
    pub fn draw(&mut self, index: usize, records: u32, percent: u64) -> Draw {
        let function = &mut self.all[index];
        let service = &function.blueprint.service;
        let per_run = service.per_run_us.draw(&mut function.service);
        let per_record = service.per_record_us.draw(&mut function.service);
        let us = per_run.saturating_add(per_record.saturating_mul(u64::from(records)));
        let ms = i64::try_from((us / 100).saturating_mul(percent) / 1000).unwrap_or(i64::MAX).max(1);
        let timeout_ms = i64::from(function.blueprint.timeout_s) * 1000;
        let ppm = u64::from(function.blueprint.failure_ppm);
        let fails = ppm > 0 && one_in(&mut function.failure, 1_000_000 / ppm.min(1_000_000));
        Draw { takes_ms: ms.min(timeout_ms), times_out: ms > timeout_ms, fails }
    }
}

impl Function {
    /// New code, which does what the old one did; answers how many times that was.
    pub fn deploy(&mut self, now: Timestamp) -> u64 {
        self.deploys += 1;
        self.modified_at = now;
        self.deployed_at = Some(now);
        self.code_sha256 = code_sha256(&self.blueprint.name, self.deploys);
        self.deploys
    }

    /// As `ListFunctions` shows it.
    pub fn shown(&self) -> Shown {
        Shown {
            name: self.blueprint.name.clone(),
            arn: self.arn.clone(),
            timeout_s: Some(self.blueprint.timeout_s),
            memory_mb: Some(self.blueprint.memory_mb),
            last_modified: Some(self.modified_at),
            code_sha256: Some(self.code_sha256.clone()),
            reserved_concurrency: self.reserved,
            dead_letter: None,
        }
    }
}

fn code_sha256(name: &FunctionName, deploys: u64) -> String {
    let version = if deploys == 0 { String::new() } else { format!("/{deploys}") };
    format!("{:016x}", fixed(0, &format!("code/{name}{version}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::standard::{JOB_WORKER, LOG_WORKER, REQUEST_WORKER, standard};

    fn functions(change: impl FnOnce(&mut Blueprint)) -> Functions {
        let mut blueprint = standard();
        change(&mut blueprint);
        Functions::new(&blueprint, 7, Timestamp::from_s(1_767_225_600))
    }

    #[test]
    fn reserved_concurrency_is_a_limit_and_a_share() {
        let mut functions = functions(|b| {
            b.limits.concurrency = 10;
            b.functions[2].reserved_concurrency = Some(4);
        });
        let index = |name: &str, f: &Functions| f.find(&name.into()).expect("there");
        let (job, log) = (index(JOB_WORKER, &functions), index(LOG_WORKER, &functions));
        assert_eq!((0..20).filter(|_| functions.admit(log, None)).count(), 4);
        assert_eq!((0..20).filter(|_| functions.admit(job, None)).count(), 6);
        functions.release(job);
        assert!(!functions.admit(log, None));
        assert!(functions.admit(index(REQUEST_WORKER, &functions), None));
        functions.release(log);
        assert!(!functions.admit(log, Some(0)), "a fault's limit is the lower one");
    }

    #[test]
    fn a_run_is_cut_off_at_its_timeout() {
        let mut functions = functions(|b| b.functions[0].timeout_s = 1);
        let short = functions.draw(0, 1, 100);
        let long = functions.draw(0, 1_000, 100);
        assert!(!short.times_out && short.takes_ms < 1000);
        assert_eq!((long.times_out, long.takes_ms), (true, 1000));
    }

    #[test]
    fn functions_are_found_as_lambda_finds_them() {
        let functions = functions(|_| {});
        for text in [
            "JobWorker",
            "JobWorker:live",
            "123456789012:function:JobWorker",
            "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker",
            "arn:aws:lambda:eu-west-1:123456789012:function:JobWorker:live",
        ] {
            assert_eq!(functions.find_text(text), Some(1), "{text}");
        }
        assert_eq!(functions.find_text("Job"), None);
    }
}
