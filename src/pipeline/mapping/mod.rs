//! Event source mappings: what the API shows of one, what acts, and the way from the one to the
//! other. An update answers the old settings and `Updating`; it shows after a while, and acts a
//! while after that (aws-facts §1.3).

pub mod queue;
pub mod rules;
pub mod stream;

use crate::model::id::{Arn, FunctionName, MappingId};
use crate::model::mapping::{Mapping as Shown, MappingSettings, MappingState, SourceKind};
use crate::model::service_error::ServiceError;
use crate::model::time::Timestamp;
use crate::pipeline::deploy::DEPLOYED_S;
use crate::pipeline::mapping::queue::QueueFeed;
use crate::pipeline::mapping::stream::StreamFeed;

#[derive(Debug)]
pub struct Mapping {
    pub id: MappingId,
    pub source: Arn,
    /// Index in `Functions`.
    pub function: usize,
    pub feed: Feed,
    /// What acts now.
    pub acting: MappingSettings,
    pub is_acting: bool,
    function_name: FunctionName,
    function_arn: Arn,
    /// What the API answers.
    settings: MappingSettings,
    state: MappingState,
    state_reason: String,
    /// What a transition under way leads to: settings, and whether enabled.
    target: Option<(MappingSettings, bool)>,
    /// Counts transitions, so that a timer of an overtaken one is known.
    pub transition: u64,
    last_result: Option<&'static str>,
    modified_at: Timestamp,
}

#[derive(Debug)]
pub enum Feed {
    Stream(StreamFeed),
    Queue(QueueFeed),
}

/// What a mapping is made of.
#[derive(Debug)]
pub struct Origin {
    pub id: MappingId,
    pub source: Arn,
    pub function: usize,
    pub function_name: FunctionName,
    pub function_arn: Arn,
    pub settings: MappingSettings,
    pub enabled: bool,
}

impl Mapping {
    pub fn new(origin: Origin, feed: Feed, now: Timestamp) -> Self {
        let stream = matches!(feed, Feed::Stream(_));
        Mapping {
            id: origin.id,
            source: origin.source,
            function: origin.function,
            feed,
            acting: origin.settings.clone(),
            is_acting: origin.enabled,
            function_name: origin.function_name,
            function_arn: origin.function_arn,
            settings: origin.settings,
            state: if origin.enabled { MappingState::Enabled } else { MappingState::Disabled },
            // As AWS spells it for each kind of source (aws-facts §1.3).
            state_reason: if stream { "User action" } else { "USER_INITIATED" }.to_owned(),
            target: None,
            transition: 0,
            last_result: stream.then_some("No records processed"),
            modified_at: now.plus_s(-DEPLOYED_S),
        }
    }

    pub fn kind(&self) -> SourceKind {
        SourceKind::of(&self.source)
    }

    pub fn settings(&self) -> &MappingSettings {
        &self.settings
    }

    pub fn shown(&self) -> Shown {
        Shown {
            id: self.id.clone(),
            source: self.source.clone(),
            function: self.function_name.clone(),
            function_arn: self.function_arn.clone(),
            state: self.state.clone(),
            state_reason: Some(self.state_reason.clone()),
            settings: self.settings.clone(),
            last_processing_result: self.last_result.map(str::to_owned),
            last_modified: Some(self.modified_at),
        }
    }

    /// # Errors
    /// ResourceInUseException while a transition is under way.
    pub fn check_settled(&self) -> Result<(), ServiceError> {
        if self.state.is_settled() {
            return Ok(());
        }
        Err(ServiceError::new(
            "lambda:UpdateEventSourceMapping",
            "ResourceInUseException",
            "Cannot update the event source mapping because it is in use.",
        ))
    }

    /// Begins a transition; [`Mapping::settle`] ends it. Overtakes one that is under way.
    pub fn begin(&mut self, settings: MappingSettings, enabled: bool) {
        let was_enabled = self.will_be_enabled();
        self.state = match (was_enabled, enabled) {
            (false, true) => MappingState::Enabling,
            (true, false) => MappingState::Disabling,
            _ => MappingState::Updating,
        };
        self.target = Some((settings, enabled));
        self.transition += 1;
    }

    /// Whether it is enabled, or will be when the transition under way is over.
    pub fn will_be_enabled(&self) -> bool {
        match &self.target {
            Some((_, enabled)) => *enabled,
            None => self.state == MappingState::Enabled,
        }
    }

    /// The transition is over: the API shows what was asked. It acts from [`Mapping::apply`] on,
    /// but a mapping that is disabled stops now.
    pub fn settle(&mut self, now: Timestamp) {
        let Some((settings, enabled)) = self.target.take() else { return };
        self.settings = settings;
        self.state = if enabled { MappingState::Enabled } else { MappingState::Disabled };
        self.modified_at = now;
        if !enabled {
            self.is_acting = false;
            if let Feed::Queue(feed) = &mut self.feed {
                feed.stop();
            }
        }
    }

    /// What the API shows is now what acts.
    pub fn apply(&mut self, now: Timestamp) {
        self.acting = self.settings.clone();
        self.is_acting = self.state != MappingState::Disabled;
        if let Feed::Stream(feed) = &mut self.feed {
            feed.set_rules(now, &self.acting);
        }
    }

    /// Notes how a batch ended, as `LastProcessingResult` says it; SQS mappings have none.
    pub fn note_result(&mut self, ok: bool) {
        if self.last_result.is_some() {
            self.last_result = Some(if ok { "OK" } else { "PROBLEM: Function call failed" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::mapping::rules::filled;

    fn mapping() -> Mapping {
        let settings = filled(&MappingSettings::default(), SourceKind::DynamoDb);
        let source = Arn::from("arn:aws:dynamodb:eu-west-1:123456789012:table/T/stream/x");
        let feed = Feed::Stream(StreamFeed::new(1, &settings, Timestamp::ZERO));
        let origin = Origin {
            id: "m".into(),
            source,
            function: 0,
            function_name: "f".into(),
            function_arn: "f".into(),
            settings,
            enabled: true,
        };
        Mapping::new(origin, feed, Timestamp::ZERO)
    }

    #[test]
    fn an_update_shows_late_and_acts_later() {
        let mut mapping = mapping();
        let five = MappingSettings { parallelization_factor: Some(5), ..mapping.settings().clone() };
        mapping.begin(five, true);
        assert_eq!(mapping.shown().state, MappingState::Updating);
        assert_eq!(mapping.shown().settings.parallelization_factor, Some(1), "the old settings are echoed");
        let error = mapping.check_settled().expect_err("in use");
        assert_eq!((error.code.as_str(), error.http), ("ResourceInUseException", 400));
        mapping.settle(Timestamp::from_s(5));
        assert_eq!(mapping.shown().state, MappingState::Enabled);
        assert_eq!(mapping.shown().settings.parallelization_factor, Some(5));
        assert_eq!(mapping.acting.parallelization_factor, Some(1), "the old settings still act");
        mapping.apply(Timestamp::from_s(9));
        assert_eq!(mapping.acting.parallelization_factor, Some(5));
    }

    #[test]
    fn disabling_stops_when_it_says_so() {
        let mut mapping = mapping();
        mapping.begin(mapping.settings().clone(), false);
        assert_eq!(mapping.shown().state, MappingState::Disabling);
        assert!(mapping.is_acting);
        mapping.settle(Timestamp::from_s(5));
        assert_eq!((mapping.shown().state, mapping.is_acting), (MappingState::Disabled, false));
        mapping.begin(mapping.settings().clone(), true);
        assert_eq!(mapping.shown().state, MappingState::Enabling);
        mapping.settle(Timestamp::from_s(9));
        assert!(!mapping.is_acting);
        mapping.apply(Timestamp::from_s(12));
        assert!(mapping.is_acting);
    }
}
