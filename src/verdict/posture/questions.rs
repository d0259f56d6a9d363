//! What has to be asked about functions one by one before the rules can judge: only where the answer
//! matters, because each question is a control call of the account's few.

use std::collections::BTreeSet;

use crate::model::function::FunctionQuestion;
use crate::model::id::{Arn, FunctionName};
use crate::model::picture::Picture;
use crate::model::topology::EdgeKind;

/// Sorted, each once.
pub fn questions(picture: &Picture) -> Vec<(FunctionName, FunctionQuestion)> {
    let mut wanted = BTreeSet::new();
    for observed in picture.mappings.values() {
        wanted.insert((observed.value.function.clone(), FunctionQuestion::Concurrency));
    }
    for (name, _) in invoked_asynchronously(picture) {
        let has_queue = picture.functions.get(&name).is_some_and(|function| function.value.dead_letter.is_some());
        if !has_queue {
            wanted.insert((name, FunctionQuestion::Asynchronous));
        }
    }
    for (name, _, _) in feeding_themselves(picture) {
        wanted.insert((name, FunctionQuestion::Recursion));
    }
    wanted.into_iter().collect()
}

/// Functions that a bucket, topic or rule may invoke, with their ARN.
pub(super) fn invoked_asynchronously(picture: &Picture) -> BTreeSet<(FunctionName, Arn)> {
    let Some(topology) = picture.topology.as_ref().map(|topology| &topology.value) else { return BTreeSet::new() };
    let invoked = topology.edges.iter().filter(|edge| edge.kind == EdgeKind::Invokes);
    invoked.filter_map(|edge| Some((topology.node(&edge.to)?.name.as_str().into(), edge.to.clone()))).collect()
}

/// Functions that read a queue and are seen to write to it: function, its ARN, the queue's.
pub(super) fn feeding_themselves(picture: &Picture) -> BTreeSet<(FunctionName, Arn, Arn)> {
    let Some(topology) = picture.topology.as_ref().map(|topology| &topology.value) else { return BTreeSet::new() };
    let writes = |from: &Arn, to: &Arn| {
        let mut edges = topology.edges.iter();
        edges.any(|edge| edge.kind == EdgeKind::InferredWrite && edge.from == *from && edge.to == *to)
    };
    picture
        .mappings
        .values()
        .map(|observed| &observed.value)
        .filter(|mapping| mapping.kind().is_queue() && writes(&mapping.function_arn, &mapping.source))
        .map(|mapping| (mapping.function.clone(), mapping.function_arn.clone(), mapping.source.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::posture::examples::account;

    #[test]
    fn only_what_matters_is_asked() {
        let asked = questions(&account());
        let asked: Vec<(&str, FunctionQuestion)> = asked.iter().map(|(name, what)| (name.as_str(), *what)).collect();
        assert_eq!(
            asked,
            [
                ("JobWorker", FunctionQuestion::Concurrency),
                ("JobWorker", FunctionQuestion::Recursion),
                ("LogWorker", FunctionQuestion::Concurrency),
                ("RequestWorker", FunctionQuestion::Asynchronous),
            ]
        );
    }
}
