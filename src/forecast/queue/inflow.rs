//! What comes into a queue: from outside, and from the consumer itself.

use crate::forecast::queue::again::Again;
use crate::forecast::queue::arrivals::Arrivals;
use crate::forecast::queue::chain::Chain;
use crate::forecast::queue::request::{Requests, Unknown, requests};
use crate::forecast::queue::watched::Watched;
use crate::model::rehearsal::SourceQueue;

/// As far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Inflow {
    /// All that is sent comes from outside.
    Outside(Arrivals),
    /// The consumer feeds itself, and what a request comes to was seen.
    Requests(Requests),
    /// It feeds itself, and only guesses tell how much: why it is not known, and what is handled a second.
    Guessed { arrivals: Arrivals, again: Again, handled_per_s: f64, why: String },
}

/// Messages a second from outside, their chain, and how probably one that waits brings another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flow {
    pub(super) per_s: f64,
    pub(super) chain: Chain,
    pub(super) backlog_brings: f64,
}

impl Inflow {
    pub(super) fn of(queue: Option<&SourceQueue>, minutes: &[Watched], arrivals: Arrivals, handled_per_s: f64) -> Self {
        let Some(queue) = queue.filter(|queue| queue.feeds_itself) else { return Inflow::Outside(arrivals) };
        match requests(queue, minutes) {
            Ok(requests) => Inflow::Requests(requests),
            Err(Unknown { why, contradicted }) => {
                let again = if contradicted { Again::BELIEVED } else { Again::of(minutes) };
                Inflow::Guessed { arrivals, again, handled_per_s, why }
            }
        }
    }

    /// `off` tells how far off, as a number of such errors, a quantity of that name is.
    pub(super) fn flow(&self, off: &dyn Fn(&str, f64) -> f64) -> Flow {
        match self {
            Inflow::Outside(arrivals) => Flow {
                per_s: arrivals.per_s * (1.0 + off("arrivals", arrivals.error + MODEL_ERROR)),
                chain: Chain::NEVER,
                backlog_brings: 0.0,
            },
            Inflow::Requests(requests) => {
                let each = requests.each * (1.0 + off("chain", requests.error)).max(0.1);
                let (sent, chain) = Requests::sent_by_a_run(each);
                let per_s = requests.rate.per_s * sent * (1.0 + off("arrivals", requests.rate.error + MODEL_ERROR));
                Flow { per_s, chain, backlog_brings: requests.brings(each) }
            }
            Inflow::Guessed { arrivals, again, handled_per_s, .. } => {
                let sent = arrivals.per_s * (1.0 + off("arrivals", arrivals.error + MODEL_ERROR));
                let chain = Chain::alike(again.each + off("again", again.error));
                // What it sends itself is not sent by others.
                let per_s = (sent - chain.first * handled_per_s).max(0.0);
                Flow { per_s, chain, backlog_brings: chain.first }
            }
        }
    }

    pub(super) fn sentences(&self) -> Vec<String> {
        match self {
            Inflow::Outside(arrivals) => vec![arrivals.sentence.clone()],
            Inflow::Requests(requests) => requests.sentences(),
            Inflow::Guessed { arrivals, again, why, .. } => {
                vec![arrivals.sentence.clone(), format!("{}; {why}", again.sentence())]
            }
        }
    }

    /// Why nothing is to be recommended.
    pub(super) fn not_sure(&self) -> Option<String> {
        let step = match self {
            Inflow::Outside(arrivals) | Inflow::Guessed { arrivals, .. } => arrivals.step,
            Inflow::Requests(requests) => requests.rate.step,
        };
        if let Some(step) = step {
            return Some(step.not_sure());
        }
        match self {
            Inflow::Requests(requests) if requests.error > SURE => Some(format!(
                "it feeds the queue it reads, and what a request comes to varies too much to count on ({:.2} ± {:.2} \
                 messages): a setting can be taken by hand, a small step first",
                requests.each,
                requests.each * requests.error
            )),
            // Over ten random consumers that feed themselves medians were off by half and more.
            Inflow::Guessed { again, why, .. } if again.error > SURE => Some(format!(
                "it feeds the queue it reads, and how much more each message brings is not known well enough \
                 ({:.2} ± {:.2}): {why}. A setting can be taken by hand, a small step first",
                again.each, again.error
            )),
            _ => None,
        }
    }
}

/// A consumer that feeds itself is known when what it brings is known as well as this.
const SURE: f64 = 0.1;
/// What no figure shows: a model is not the thing.
pub(super) const MODEL_ERROR: f64 = 0.01;
