//! The pipeline's own web service, and who the caller of everything is.

use serde_json::{Value, json};

use crate::automation::identity::{Identity, RunId};
use crate::automation::intake;
use crate::model::service_error::ServiceError;
use crate::model::stack::Stack;
use crate::pipeline::Pipeline;
use crate::pipeline::deploy::DEPLOYED_S;
use crate::pipeline::ledger::Mark;
use crate::pipeline::request::{CloudWatchReply, CloudWatchRequest, Reply, WebReply, WebRequest};
use crate::pipeline::stack::STACK;

/// Documents a search answers at most.
const MAX_FOUND: usize = 1_000;

impl Pipeline {
    pub(super) fn web(&mut self, ask: WebRequest) -> WebReply {
        match ask {
            WebRequest::PostAutomation { body } => self.post_automation(&body),
            WebRequest::GetRun { id } => self.get_run(&id),
            WebRequest::SearchEvents { q, limit } => {
                let limit = (limit as usize).min(MAX_FOUND);
                let found: Vec<Value> = self.index.search(&q, limit).map(|document| document.to_json()).collect();
                WebReply { status: 200, body: json!({"events": found, "kept": self.index.len()}).to_string() }
            }
        }
    }

    /// Validate, store, answer: nothing is processed before the answer.
    fn post_automation(&mut self, body: &str) -> WebReply {
        match intake::intake(body, self.ledger.next_run(), self.now) {
            Err(faults) => WebReply { status: 400, body: intake::refusal(&faults) },
            Ok(accepted) => {
                self.accept(accepted.request.clone());
                self.tally.requests += 1;
                WebReply { status: 202, body: accepted.answer() }
            }
        }
    }

    fn get_run(&self, id: &str) -> WebReply {
        let unknown =
            || WebReply { status: 404, body: json!({"message": format!("there is no run {id}")}).to_string() };
        let Ok(run) = id.parse::<RunId>() else { return unknown() };
        let Some(request) = self.bucket.request(run, &self.ledger) else { return unknown() };
        let steps: Vec<Value> = (0u16..)
            .zip(&request.automation.steps)
            .map(|(step, definition)| {
                json!({"step": step, "action": definition.action.name().as_str(), "status": self.step_status(run, step)})
            })
            .collect();
        let body = json!({
            "runId": id,
            "accepted": request.accepted.to_string(),
            "recipient": request.recipient.as_deref(),
            "status": self.run_status(run, steps.len()),
            "steps": steps,
        });
        WebReply { status: 200, body: body.to_string() }
    }

    fn step_status(&self, run: RunId, step: u16) -> &'static str {
        let job = Identity::job(run, step);
        if self.ledger.has(job, Mark::Ended) {
            "PROCESSED"
        } else if self.ledger.has(job, Mark::Cancelled) {
            "CANCELED"
        } else if self.ledger.has(job, Mark::WaitingRecorded) {
            "WAITING"
        } else if self.ledger.has(job, Mark::Made) {
            "PROCESSING"
        } else {
            "NOT PROCESSED"
        }
    }

    fn run_status(&self, run: RunId, steps: usize) -> &'static str {
        // A run has at most 65,536 steps.
        let jobs = (0..steps as u16).map(|step| Identity::job(run, step));
        let open = jobs.clone().find(|job| self.ledger.is_open(*job));
        match open {
            Some(job) => self.step_status(run, job.step),
            None if jobs.clone().any(|job| self.ledger.has(job, Mark::Cancelled)) => "CANCELED",
            None => "PROCESSED",
        }
    }

    pub(super) fn cloudwatch(&mut self, ask: &CloudWatchRequest) -> Result<CloudWatchReply, ServiceError> {
        match ask {
            CloudWatchRequest::GetMetricData(ask) => self.meter.get_metric_data(self.now, ask),
            CloudWatchRequest::PutMetricAlarm(wanted) => self.alarms.put(&self.blueprint, self.now, wanted),
            CloudWatchRequest::DescribeAlarms(ask) => self.alarms.describe(self.now, ask),
        }
    }

    /// The one stack that everything is deployed by.
    pub(super) fn stacks(&self, name: Option<&str>) -> Result<Vec<Stack>, ServiceError> {
        if let Some(name) = name.filter(|name| *name != STACK) {
            let message = format!("Stack with id {name} does not exist");
            return Err(ServiceError::new("cloudformation:DescribeStacks", "ValidationError", message));
        }
        let created_at = self.start.plus_s(-CREATED_S);
        let deployed = self.functions.iter().filter_map(|function| function.deployed_at).max();
        Ok(vec![Stack {
            name: STACK.to_owned(),
            status: "UPDATE_COMPLETE".to_owned(),
            created_at: Some(created_at),
            updated_at: Some(deployed.unwrap_or(self.start.plus_s(-DEPLOYED_S))),
        }])
    }

    pub(super) fn identity(&self) -> Reply {
        let account = self.blueprint.account.clone();
        Reply::Identity {
            arn: format!("arn:aws:sts::{account}:assumed-role/sandbox/redrive"),
            user_id: "AROASANDBOXSANDBOXSAN:redrive".to_owned(),
            account,
        }
    }
}

/// How long before the start it was made, in seconds: thirty days.
const CREATED_S: i64 = 30 * 86_400;
