//! Lambda's control plane and `Invoke`.

use serde_json::json;

use crate::model::id::{Arn, FunctionName, MappingId};
use crate::model::mapping::SourceKind;
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::Pipeline;
use crate::pipeline::blueprint::Role;
use crate::pipeline::function::answer;
use crate::pipeline::function::asynchronous::AsyncPayload;
use crate::pipeline::function::run::{Verdict, Work};
use crate::pipeline::history::Deed;
use crate::pipeline::invoke::request_id;
use crate::pipeline::mapping::rules;
use crate::pipeline::request::{
    FunctionDetail, InvokeKind, LambdaReply, LambdaRequest, MappingUpdate, Reply, RequestId,
};

type Answer = Result<LambdaReply, ServiceError>;

/// Items a page holds at most, whatever is asked for (aws-facts §1.4).
const MAPPINGS_PAGE: usize = 100;
const FUNCTIONS_PAGE: usize = 50;

impl Pipeline {
    /// Answers, or (`None`) keeps an `Invoke` whose answer comes when the run is over.
    pub(super) fn lambda(&mut self, id: RequestId, ask: LambdaRequest) -> Option<Answer> {
        let action = action(&ask);
        let answer = self.lambda_answer(id, ask);
        answer.map(|answer| answer.map_err(|error| ServiceError { action: format!("lambda:{action}"), ..error }))
    }

    fn lambda_answer(&mut self, id: RequestId, ask: LambdaRequest) -> Option<Answer> {
        let is_control = !matches!(ask, LambdaRequest::Invoke { .. } | LambdaRequest::GetFunction(_));
        if is_control && !self.control.take(self.now) {
            return Some(Err(throttled("Rate Exceeded.")));
        }
        Some(match ask {
            LambdaRequest::ListMappings { source, function, max, marker } => {
                self.list_mappings(source.as_ref(), function.as_deref(), max, marker.as_deref())
            }
            LambdaRequest::GetMapping(id) => self.mapping_index(&id).map(|mapping| self.shown(mapping, false)),
            LambdaRequest::UpdateMapping { id, update } => self.update_mapping(&id, &update),
            LambdaRequest::ListFunctions { max, marker } => self.list_functions(max, marker.as_deref()),
            LambdaRequest::GetFunction(name) => {
                self.function_index(&name).map(|f| LambdaReply::Function(Box::new(self.detail(f))))
            }
            LambdaRequest::UpdateCode(name) => self.update_code(&name),
            LambdaRequest::GetConcurrency(name) => {
                self.function_index(&name).map(|f| LambdaReply::Concurrency(self.functions.get(f).reserved))
            }
            LambdaRequest::PutConcurrency(name, limit) => self.put_concurrency(&name, Some(limit)),
            LambdaRequest::DeleteConcurrency(name) => self.put_concurrency(&name, None),
            LambdaRequest::GetAsynchronous(name) => self.function_index(&name).and_then(|f| self.asynchronous(f)),
            LambdaRequest::PutAsynchronous(name, to) => self.put_asynchronous(&name, to.as_ref()),
            LambdaRequest::GetRecursion(name) => self.function_index(&name).map(|f| self.recursion(f)),
            LambdaRequest::PutRecursion(name, allow) => self.function_index(&name).map(|f| {
                self.functions.get_mut(f).allow_recursion = allow;
                self.recursion(f)
            }),
            LambdaRequest::GetPolicy(name) => self.policy(&name),
            LambdaRequest::GetAccountSettings => Ok(LambdaReply::AccountSettings {
                concurrent: self.functions.account_limit(),
                unreserved: self.functions.unreserved_limit(),
            }),
            LambdaRequest::Invoke { function, payload, kind, log_tail } => {
                return self.invoke(id, &function, payload, kind, log_tail);
            }
        })
    }

    // ---- mappings -----------------------------------------------------------------------------

    fn list_mappings(
        &self,
        source: Option<&Arn>,
        function: Option<&str>,
        max: Option<u32>,
        marker: Option<&str>,
    ) -> Answer {
        let function = function.map(|text| self.functions.find_text(text));
        let matching = self.mappings.iter().filter(|mapping| {
            source.is_none_or(|source| mapping.source == *source)
                && function.is_none_or(|function| function == Some(mapping.function))
        });
        let all: Vec<_> = matching.map(|mapping| mapping.shown()).collect();
        let (mappings, marker) = page(all, max, MAPPINGS_PAGE, marker)?;
        Ok(LambdaReply::Mappings { mappings, marker })
    }

    fn mapping_index(&self, id: &MappingId) -> Result<usize, ServiceError> {
        self.mappings.iter().position(|mapping| mapping.id == *id).ok_or_else(not_found)
    }

    fn shown(&self, mapping: usize, accepted: bool) -> LambdaReply {
        LambdaReply::Mapping { mapping: Box::new(self.mappings[mapping].shown()), accepted }
    }

    fn update_mapping(&mut self, id: &MappingId, update: &MappingUpdate) -> Answer {
        let index = self.mapping_index(id)?;
        let mapping = &self.mappings[index];
        let after = rules::updated(mapping.settings(), update);
        rules::check(update, &after, mapping.kind())?;
        let destination = update.on_failure.as_ref().and_then(Option::as_ref);
        rules::check_destination(destination, destination.is_some_and(|arn| self.has_destination(arn)))?;
        if !mapping.kind().is_stream()
            && let Some(settings) = self.queues.name_of(&mapping.source).and_then(|name| self.queues.settings(&name))
        {
            let timeout_s = self.functions.get(mapping.function).blueprint.timeout_s;
            rules::check_visibility(settings.visibility_s, timeout_s)?;
            if mapping.kind() == SourceKind::SqsFifo {
                rules::check_fifo(&after)?;
            }
        }
        mapping.check_settled()?;
        let enabled = update.enabled.unwrap_or(mapping.will_be_enabled());
        self.begin_transition(index, after, enabled);
        Ok(self.shown(index, true))
    }

    // ---- functions ----------------------------------------------------------------------------

    fn function_index(&self, name: &FunctionName) -> Result<usize, ServiceError> {
        self.functions.find_text(name.as_str()).ok_or_else(|| {
            let arn = format!("arn:aws:lambda:{}:{}:function:{name}", self.blueprint.region, self.blueprint.account);
            missing(format!("Function not found: {arn}"))
        })
    }

    fn detail(&self, function: usize) -> FunctionDetail {
        let entry = self.functions.get(function);
        FunctionDetail { function: entry.shown(), environment: entry.blueprint.environment.clone() }
    }

    fn list_functions(&self, max: Option<u32>, marker: Option<&str>) -> Answer {
        let all = (0..self.functions.iter().count()).map(|function| self.detail(function)).collect();
        let (functions, marker) = page(all, max, FUNCTIONS_PAGE, marker)?;
        Ok(LambdaReply::Functions { functions, marker })
    }

    fn put_concurrency(&mut self, name: &FunctionName, limit: Option<u32>) -> Answer {
        let function = self.function_index(name)?;
        let others: u32 = self.functions.iter().filter(|f| f.blueprint.name != *name).filter_map(|f| f.reserved).sum();
        let left = self.functions.account_limit().saturating_sub(others.saturating_add(limit.unwrap_or(0)));
        // Only what decreases it is refused: 0 stops a function in an account however small.
        let more = limit.unwrap_or(0) > self.functions.get(function).reserved.unwrap_or(0);
        if more && left < MIN_UNRESERVED {
            return Err(invalid(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's \
                 UnreservedConcurrentExecution below its minimum value of [{MIN_UNRESERVED}]."
            )));
        }
        let entry = self.functions.get_mut(function);
        entry.reserved = limit;
        entry.modified_at = self.now;
        Ok(match limit {
            Some(limit) => LambdaReply::Concurrency(Some(limit)),
            None => LambdaReply::Done,
        })
    }

    /// New code, which does what the old one did.
    pub(super) fn deploy(&mut self, function: usize) {
        let deploys = self.functions.get_mut(function).deploy(self.now);
        self.note(Deed::Deployed, function as u64, deploys);
    }

    fn update_code(&mut self, name: &FunctionName) -> Answer {
        let function = self.function_index(name)?;
        self.deploy(function);
        Ok(LambdaReply::Function(Box::new(self.detail(function))))
    }

    fn recursion(&self, function: usize) -> LambdaReply {
        let entry = self.functions.get(function);
        let guarded = self.faults.guards_recursion(&entry.blueprint.name);
        LambdaReply::RecursionAllowed(entry.allow_recursion && !guarded)
    }

    /// `GetFunctionEventInvokeConfig`: a function without a destination has no configuration here.
    fn asynchronous(&self, function: usize) -> Answer {
        let entry = self.functions.get(function);
        let Some(queue) = &entry.blueprint.on_failure else {
            return Err(missing(format!("The function {}:$LATEST doesn't have an EventInvokeConfig", entry.arn)));
        };
        Ok(LambdaReply::Asynchronous {
            function: entry.arn.clone(),
            modified_at: entry.modified_at,
            on_failure: Some(self.queues.arn(queue)),
        })
    }

    fn put_asynchronous(&mut self, name: &FunctionName, to: Option<&Arn>) -> Answer {
        let function = self.function_index(name)?;
        let queue = to.map(|arn| self.queues.name_of(arn).ok_or_else(|| no_destination(arn))).transpose()?;
        let on_failure = queue.as_ref().map(|queue| self.queues.arn(queue));
        let entry = self.functions.get_mut(function);
        entry.blueprint.on_failure = queue;
        entry.modified_at = self.now;
        Ok(LambdaReply::Asynchronous { function: entry.arn.clone(), modified_at: self.now, on_failure })
    }

    /// The resource policy of the function the bucket notifies; others have none.
    fn policy(&self, name: &FunctionName) -> Answer {
        let function = self.function_index(name)?;
        let entry = self.functions.get(function);
        if entry.blueprint.name != self.blueprint.bucket.notifies {
            return Err(missing("The resource you requested does not exist.".to_owned()));
        }
        let policy = json!({"Version": "2012-10-17", "Id": "default", "Statement": [{
            "Sid": "InvokedByBucket",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": entry.arn.as_str(),
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": self.blueprint.account},
                "ArnLike": {"AWS:SourceArn": format!("arn:aws:s3:::{}", self.blueprint.bucket.name)},
            },
        }]});
        Ok(LambdaReply::Policy(policy.to_string()))
    }

    // ---- invoke -------------------------------------------------------------------------------

    fn invoke(
        &mut self,
        request: RequestId,
        name: &FunctionName,
        payload: String,
        kind: InvokeKind,
        log_tail: bool,
    ) -> Option<Answer> {
        let function =
            match self.function_index(name).and_then(|function| check_payload(&payload, kind).map(|()| function)) {
                Ok(function) => function,
                Err(error) => return Some(Err(error)),
            };
        let accepted = |status| {
            Some(Ok(LambdaReply::Invoked { status, payload: String::new(), function_error: None, log_tail: None }))
        };
        match kind {
            InvokeKind::DryRun => accepted(204),
            InvokeKind::Event => {
                self.take_async(AsyncPayload::Raw { function, payload }, 0);
                accepted(202)
            }
            InvokeKind::RequestResponse => {
                let work = Work::Sync { request: Some(request), payload, log_tail };
                (!self.start_run(function, work, 0)).then(|| {
                    let name = &self.functions.get(function).blueprint.name;
                    let reserved =
                        self.functions.get(function).reserved.is_some() || self.faults.concurrency(name).is_some();
                    let reason = if reserved {
                        "ReservedFunctionConcurrentInvocationLimitExceeded"
                    } else {
                        "ConcurrentInvocationLimitExceeded"
                    };
                    Err(throttled(&format!("Rate Exceeded. ({reason})")))
                })
            }
        }
    }

    /// The run of an `Invoke` is over: its caller gets the answer.
    pub(super) fn sync_run_ended(&mut self, run: &SyncRun, payload: &str, verdict: &Verdict) {
        let Some(request) = run.request else { return };
        let role = self.functions.get(run.function).blueprint.role;
        let (payload, function_error) = match verdict {
            Verdict::Error { kind, message } => {
                let error = json!({"errorType": kind, "errorMessage": message, "trace": []});
                (error.to_string(), Some("Unhandled".to_owned()))
            }
            Verdict::Done { failed } if !failed.is_empty() => {
                (answer::report(&failed.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>()), None)
            }
            Verdict::StoppedAt { record } => (answer::report(&sequence_of(payload, *record)), None),
            Verdict::Done { .. } if matches!(role, Role::JobWorker | Role::LogWorker) => (answer::report(&[]), None),
            Verdict::Done { .. } => ("null".to_owned(), None),
        };
        let tail = run.log_tail.then(|| self.tail_of(run));
        let reply = LambdaReply::Invoked { status: 200, payload, function_error, log_tail: tail };
        self.responses.push_back((request, Ok(Reply::Lambda(reply))));
    }

    /// The last of what a run wrote into its function's log, and of what Lambda wrote about it.
    fn tail_of(&self, run: &SyncRun) -> String {
        let (name, id) = (&self.functions.get(run.function).blueprint.name, request_id(run.id));
        let lines = self.logs.lines(name, run.started_at, self.now.plus_ms(1));
        // An environment runs one at a time: from its START on everything there is this run's.
        let mut lines = lines.iter().skip_while(|line| !(line.text.starts_with("START ") && line.text.contains(&id)));
        let start = lines.next();
        let own = lines.filter(|line| start.is_some_and(|start| start.environment == line.environment));
        let mut tail: String = start.into_iter().chain(own).map(|line| line.text.as_str()).collect();
        let from = tail.ceil_char_boundary(tail.len().saturating_sub(TAIL_BYTES));
        tail.split_off(from)
    }
}

/// A run of an `Invoke` that is over.
#[derive(Debug)]
pub struct SyncRun {
    /// Index in `Functions`.
    pub function: usize,
    pub id: u64,
    pub started_at: Timestamp,
    /// `None` when its caller does not wait any more.
    pub request: Option<RequestId>,
    pub log_tail: bool,
}

/// Bytes of an event, waited for and not (aws-facts §10).
const MAX_SYNC_BYTES: usize = 6_291_456;
const MAX_EVENT_BYTES: usize = 1_048_576;

fn check_payload(payload: &str, kind: InvokeKind) -> Result<(), ServiceError> {
    let most = if kind == InvokeKind::Event { MAX_EVENT_BYTES } else { MAX_SYNC_BYTES };
    if payload.len() <= most {
        return Ok(());
    }
    let text = format!("Request must be smaller than {most} bytes for the InvokeFunction operation");
    Err(ServiceError { http: 413, ..ServiceError::new("lambda", "RequestTooLargeException", text) })
}

/// Concurrency that must stay for functions without a reservation.
const MIN_UNRESERVED: u32 = 100;
/// Bytes of a log tail (aws-facts §7).
const TAIL_BYTES: usize = 4_096;

/// The sequence number of a payload's record.
fn sequence_of(payload: &str, record: u32) -> Vec<String> {
    let value: serde_json::Value = serde_json::from_str(payload).unwrap_or_default();
    let number = value.pointer(&format!("/Records/{record}/dynamodb/SequenceNumber"));
    number.and_then(serde_json::Value::as_str).map(str::to_owned).into_iter().collect()
}

/// One page of a list; the marker is where the next begins.
fn page<T>(
    mut all: Vec<T>,
    max: Option<u32>,
    most: usize,
    marker: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ServiceError> {
    let from = match marker {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| invalid("The Marker is not valid.".to_owned()))?,
    };
    let size = max.map_or(most, |max| (max as usize).clamp(1, most));
    let end = (from.saturating_add(size)).min(all.len());
    let next = (end < all.len()).then(|| end.to_string());
    all.truncate(end);
    all.drain(..from.min(end));
    Ok((all, next))
}

fn missing(message: String) -> ServiceError {
    ServiceError { http: 404, ..ServiceError::new("lambda", "ResourceNotFoundException", message) }
}

fn not_found() -> ServiceError {
    missing("The resource you requested does not exist.".to_owned())
}

fn invalid(message: String) -> ServiceError {
    ServiceError::new("lambda", "InvalidParameterValueException", message)
}

fn no_destination(arn: &Arn) -> ServiceError {
    invalid(format!("The destination ARN {arn} is invalid: it names no queue of this account."))
}

fn throttled(message: &str) -> ServiceError {
    ServiceError { http: 429, ..ServiceError::new("lambda", "TooManyRequestsException", message) }
}

fn action(ask: &LambdaRequest) -> &'static str {
    match ask {
        LambdaRequest::ListMappings { .. } => "ListEventSourceMappings",
        LambdaRequest::GetMapping(_) => "GetEventSourceMapping",
        LambdaRequest::UpdateMapping { .. } => "UpdateEventSourceMapping",
        LambdaRequest::ListFunctions { .. } => "ListFunctions",
        LambdaRequest::GetFunction(_) => "GetFunctionConfiguration",
        LambdaRequest::UpdateCode(_) => "UpdateFunctionCode",
        LambdaRequest::GetConcurrency(_) => "GetFunctionConcurrency",
        LambdaRequest::PutConcurrency(..) => "PutFunctionConcurrency",
        LambdaRequest::DeleteConcurrency(_) => "DeleteFunctionConcurrency",
        LambdaRequest::GetAsynchronous(_) => "GetFunctionEventInvokeConfig",
        LambdaRequest::PutAsynchronous(..) => "PutFunctionEventInvokeConfig",
        LambdaRequest::GetRecursion(_) => "GetFunctionRecursionConfig",
        LambdaRequest::PutRecursion(..) => "PutFunctionRecursionConfig",
        LambdaRequest::GetPolicy(_) => "GetPolicy",
        LambdaRequest::GetAccountSettings => "GetAccountSettings",
        LambdaRequest::Invoke { .. } => "InvokeFunction",
    }
}
