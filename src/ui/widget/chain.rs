//! The topology cut into chains that can be drawn on a line each: a source, its function, what that
//! writes to, and so on. Works on any graph; knows no pipeline by name.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::{Arn, MappingId};
use crate::model::topology::{EdgeKind, NodeKind, Topology};

/// How one stage leads to the next, as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// A mapping of a queue, or an invocation.
    Solid,
    /// A mapping of a stream.
    Stream,
    /// Inferred from a function's environment.
    Inferred,
}

/// One stage of a chain. Nodes are indices into the topology's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    pub node: usize,
    /// How the stage before leads here; `None` at the start.
    pub link: Option<Link>,
    pub mapping: Option<MappingId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    pub hops: Vec<Hop>,
    /// Stages of other chains that lead to the first of this one.
    pub feeders: Vec<(usize, Link)>,
    /// From a hop back to the same or an earlier hop.
    pub loops: Vec<(usize, usize)>,
    /// A hop and where its failures go.
    pub branches: Vec<(usize, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chains {
    pub chains: Vec<Chain>,
    /// Links no chain shows: into the middle of another chain.
    pub crossing: Vec<(usize, usize, Link)>,
    /// Stages nothing leads to or from.
    pub alone: Vec<usize>,
}

struct Flow {
    to: usize,
    link: Link,
    mapping: Option<MappingId>,
}

struct Graph<'a> {
    topology: &'a Topology,
    flows: Vec<Vec<Flow>>,
    failures: Vec<Vec<usize>>,
    /// How many other stages lead to a node.
    fed: Vec<usize>,
    /// A node that only takes failures, and leads nowhere.
    grave: Vec<bool>,
}

/// Cuts the topology into chains. Every node is in exactly one chain, a branch, or alone.
pub fn chains(topology: &Topology) -> Chains {
    let graph = Graph::of(topology);
    let mut seen = vec![false; topology.nodes.len()];
    let mut out = Chains::default();
    for start in graph.starts() {
        if seen[start] || graph.grave[start] {
            continue;
        }
        if graph.flows[start].is_empty() && graph.fed[start] == 0 && graph.failures[start].is_empty() {
            seen[start] = true;
            out.alone.push(start);
            continue;
        }
        out.chains.push(Chain { hops: graph.walk(start, &mut seen), ..Chain::default() });
    }
    graph.tie(&mut out);
    out
}

impl<'a> Graph<'a> {
    fn of(topology: &'a Topology) -> Self {
        let n = topology.nodes.len();
        let index: BTreeMap<&Arn, usize> =
            topology.nodes.iter().enumerate().map(|(at, node)| (&node.arn, at)).collect();
        let mut flows: Vec<Vec<Flow>> = (0..n).map(|_| Vec::new()).collect();
        let (mut failures, mut fed) = (vec![Vec::new(); n], vec![0; n]);
        let mut buried = vec![false; n];
        for edge in &topology.edges {
            let (Some(&from), Some(&to)) = (index.get(&edge.from), index.get(&edge.to)) else { continue };
            let (link, mapping) = match &edge.kind {
                EdgeKind::DeadLetter | EdgeKind::OnFailure => {
                    buried[to] = true;
                    failures[from].push(to);
                    continue;
                }
                EdgeKind::Mapping(id) if is_stream(topology.nodes[from].kind) => (Link::Stream, Some(id.clone())),
                EdgeKind::Mapping(id) => (Link::Solid, Some(id.clone())),
                EdgeKind::Invokes => (Link::Solid, None),
                EdgeKind::InferredWrite => (Link::Inferred, None),
            };
            flows[from].push(Flow { to, link, mapping });
            if from != to {
                fed[to] += 1;
            }
        }
        for flow in &mut flows {
            // What is known comes before what is inferred, a queue before a table.
            flow.sort_by_key(|flow| (flow.link, topology.nodes[flow.to].kind != NodeKind::Queue));
        }
        let grave = (0..n).map(|at| buried[at] && flows[at].is_empty() && failures[at].is_empty()).collect();
        Graph { topology, flows, failures, fed, grave }
    }

    /// Where chains may start, best first: what nothing feeds, then streams, then the rest.
    fn starts(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.topology.nodes.len()).collect();
        all.sort_by_key(|at| {
            let kind = self.topology.nodes[*at].kind;
            let order = match kind {
                _ if is_stream(kind) => 2,
                _ if self.fed[*at] > 0 => 3,
                NodeKind::Function => 1,
                _ => 0,
            };
            (order, kind == NodeKind::Other, kind)
        });
        all
    }

    fn walk(&self, start: usize, seen: &mut [bool]) -> Vec<Hop> {
        let mut hops = vec![Hop { node: start, link: None, mapping: None }];
        seen[start] = true;
        let mut at = start;
        // A stream starts a line of its own: it is where work waits.
        while let Some(next) = self.flows[at]
            .iter()
            .find(|flow| !seen[flow.to] && !self.grave[flow.to] && !is_stream(self.topology.nodes[flow.to].kind))
        {
            seen[next.to] = true;
            hops.push(Hop { node: next.to, link: Some(next.link), mapping: next.mapping.clone() });
            at = next.to;
        }
        hops
    }

    /// Fills in what ties the chains: feeders, loops, branches, crossings.
    fn tie(&self, out: &mut Chains) {
        let mut place: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        for (chain, hops) in out.chains.iter().map(|chain| &chain.hops).enumerate() {
            place.extend(hops.iter().enumerate().map(|(hop, Hop { node, .. })| (*node, (chain, hop))));
        }
        let mut drawn = BTreeSet::new();
        for (from, flows) in self.flows.iter().enumerate() {
            let Some(&(chain, hop)) = place.get(&from) else { continue };
            for &failure in &self.failures[from] {
                out.chains[chain].branches.push((hop, failure));
            }
            for flow in flows {
                let Some(&(to_chain, to_hop)) = place.get(&flow.to) else { continue };
                if !drawn.insert((from, flow.to)) || (to_chain == chain && to_hop == hop + 1) {
                    continue;
                }
                if to_chain == chain && to_hop <= hop {
                    out.chains[chain].loops.push((hop, to_hop));
                } else if to_hop == 0 {
                    out.chains[to_chain].feeders.push((from, flow.link));
                } else {
                    out.crossing.push((from, flow.to, flow.link));
                }
            }
        }
    }
}

fn is_stream(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Table | NodeKind::KinesisStream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::topology::{Edge, Node};

    fn topology(nodes: &[(&str, NodeKind)], edges: &[(&str, &str, EdgeKind)]) -> Topology {
        Topology {
            nodes: nodes
                .iter()
                .map(|(name, kind)| Node { arn: Arn::from(*name), kind: *kind, name: (*name).into() })
                .collect(),
            edges: edges
                .iter()
                .map(|(from, to, kind)| Edge { from: Arn::from(*from), to: Arn::from(*to), kind: kind.clone() })
                .collect(),
        }
    }

    fn names(topology: &Topology, chain: &Chain) -> Vec<String> {
        chain.hops.iter().map(|hop| topology.nodes[hop.node].name.clone()).collect()
    }

    fn mapping() -> EdgeKind {
        EdgeKind::Mapping(MappingId::from("m"))
    }

    #[test]
    fn a_worker_that_feeds_its_own_queue_is_a_loop_and_its_dead_letters_a_branch() {
        let topology = topology(
            &[
                ("dlq", NodeKind::Queue),
                ("jobs", NodeKind::Queue),
                ("store", NodeKind::Bucket),
                ("intake", NodeKind::Function),
                ("worker", NodeKind::Function),
                ("events", NodeKind::Table),
                ("indexer", NodeKind::Function),
            ],
            &[
                ("store", "intake", EdgeKind::Invokes),
                ("intake", "jobs", EdgeKind::InferredWrite),
                ("jobs", "worker", mapping()),
                ("jobs", "dlq", EdgeKind::DeadLetter),
                ("worker", "jobs", EdgeKind::InferredWrite),
                ("worker", "events", EdgeKind::InferredWrite),
                ("events", "indexer", mapping()),
            ],
        );
        let found = chains(&topology);
        assert_eq!(names(&topology, &found.chains[0]), ["store", "intake", "jobs", "worker"]);
        assert_eq!(names(&topology, &found.chains[1]), ["events", "indexer"]);
        assert_eq!(found.chains.len(), 2);
        assert_eq!(found.chains[0].loops, [(3, 2)]);
        assert_eq!(found.chains[0].branches, [(2, 0)]);
        assert_eq!(found.chains[1].feeders, [(4, Link::Inferred)]);
        assert_eq!(found.chains[1].hops[1].link, Some(Link::Stream));
        assert!(found.crossing.is_empty() && found.alone.is_empty());
    }

    #[test]
    fn every_graph_comes_to_an_end() {
        let ring = topology(
            &[("a", NodeKind::Function), ("b", NodeKind::Function), ("c", NodeKind::Other)],
            &[
                ("a", "b", EdgeKind::InferredWrite),
                ("b", "a", EdgeKind::InferredWrite),
                ("a", "gone", EdgeKind::Invokes),
            ],
        );
        let found = chains(&ring);
        assert_eq!(
            (found.chains.len(), found.chains[0].loops.clone(), found.alone.clone()),
            (1, vec![(1, 0)], vec![2])
        );
        assert_eq!(chains(&Topology::default()), Chains::default());
    }

    #[test]
    fn two_workers_of_one_queue_are_both_shown() {
        let shared = topology(
            &[("q", NodeKind::Queue), ("a", NodeKind::Function), ("b", NodeKind::Function)],
            &[("q", "a", mapping()), ("q", "b", mapping())],
        );
        let found = chains(&shared);
        assert_eq!(names(&shared, &found.chains[0]), ["q", "a"]);
        assert_eq!(
            (names(&shared, &found.chains[1]), found.chains[1].feeders.clone()),
            (vec!["b".into()], vec![(0, Link::Solid)])
        );
    }
}
