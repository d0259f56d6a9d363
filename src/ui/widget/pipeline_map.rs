//! The pipeline as a picture, drawn from its topology and from nothing else: chains on a line with
//! their figures under them, loops and dead-letter branches below; one line a stage where it is narrow.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::finding::Severity;
use crate::model::topology::{NodeKind, Topology};
use crate::ui::theme::Theme;
use crate::ui::widget::chain::{Chain, Chains, Hop, Link, chains};
use crate::ui::widget::hostile;
use crate::ui::widget::ink::{Ink, Piece, width_of};
use crate::ui::widget::stage::{NAME_COLUMNS, Stage, Stages};

/// One line of the picture: pieces and where they stand. Pieces never overlap.
#[derive(Debug, Clone, Default)]
struct Row {
    places: Vec<(u16, Piece)>,
    worst: Option<Severity>,
}

/// The picture laid out for a width: wide if every chain fits in it, and a line a stage in any case.
#[derive(Debug)]
pub struct PipelineMap {
    wide: Option<Vec<Row>>,
    /// A source, its function and its failures stay together.
    narrow: Vec<Vec<Row>>,
    rest: Vec<Row>,
}

struct Drawing<'a> {
    topology: &'a Topology,
    chains: &'a Chains,
    stages: Vec<Stage>,
    all: &'a Stages<'a>,
    theme: Theme,
    width: u16,
}

impl PipelineMap {
    pub fn new(theme: Theme, topology: &Topology, all: &Stages<'_>, width: u16) -> Self {
        let found = chains(topology);
        let stages = topology.nodes.iter().map(|node| all.stage(node)).collect();
        let drawing = Drawing { topology, chains: &found, stages, all, theme, width };
        let mut rest = Vec::new();
        drawing.rest(&mut rest);
        PipelineMap { wide: drawing.wide(), narrow: drawing.narrow(), rest }
    }

    /// Rows it would like.
    pub fn height(&self) -> u16 {
        let rows =
            self.wide.as_ref().map_or_else(|| self.narrow.iter().map(Vec::len).sum(), Vec::len) + self.rest.len();
        u16::try_from(rows).unwrap_or(u16::MAX)
    }

    /// Draws the wide picture if it fits, else a line a stage, the worst first when not all fit.
    pub fn draw(&self, ink: &mut Ink<'_>, area: Rect) {
        let height = usize::from(area.height);
        let narrow = self.narrow.iter().map(Vec::len).sum::<usize>() + self.rest.len();
        match &self.wide {
            Some(rows) if rows.len() + self.rest.len() <= height => put_rows(ink, area, rows.iter().chain(&self.rest)),
            _ if narrow <= height => put_rows(ink, area, self.narrow.iter().flatten().chain(&self.rest)),
            _ => {
                let mut groups: Vec<&Vec<Row>> = self.narrow.iter().collect();
                groups.sort_by_key(|group| {
                    group.iter().filter_map(|row| row.worst).min().map_or(u8::MAX, |worst| worst as u8)
                });
                let shown = height.saturating_sub(1);
                put_rows(ink, area, groups.into_iter().flatten().take(shown));
                let text = format!("… and {} lines more: see consumers and queues", narrow - shown.min(narrow));
                let y = area.bottom().saturating_sub(1);
                ink.text(area.x, y, area.width, &text, ink.theme.dim());
            }
        }
    }
}

fn put_rows<'r>(ink: &mut Ink<'_>, area: Rect, rows: impl Iterator<Item = &'r Row>) {
    for (n, row) in rows.take(usize::from(area.height)).enumerate() {
        for (x, piece) in row.places.iter().filter(|(x, _)| *x < area.width) {
            ink.text(area.x + x, area.y + n as u16, area.width - x, &piece.text, piece.style);
        }
    }
}

impl Drawing<'_> {
    fn label(&self, node: usize) -> Vec<Piece> {
        let stage = &self.stages[node];
        let mut pieces = Vec::with_capacity(2);
        if let Some(sign) = stage.sign {
            pieces.push(Piece::new(format!("{sign} "), self.theme.severity(sign)));
        }
        pieces.push(Piece::new(short(&stage.name), self.theme.bold()));
        pieces
    }

    fn figure_style(&self, node: usize) -> Style {
        let stage = &self.stages[node];
        match stage.sign {
            _ if stage.stale => self.theme.dim(),
            Some(sign @ (Severity::Harm | Severity::Warning)) => self.theme.severity(sign),
            _ => self.theme.plain(),
        }
    }

    fn feeders(&self, chain: &Chain) -> Option<Piece> {
        let (first, link) = chain.feeders.first()?;
        let names: Vec<&str> = chain.feeders.iter().map(|(node, _)| self.stages[*node].name.as_str()).collect();
        let text = if names.len() <= 2 {
            names.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ")
        } else {
            format!("{} and {} more", short(&self.stages[*first].name), names.len() - 1)
        };
        Some(Piece::new(format!("{text} {} ", arrow(*link)), self.theme.dim()))
    }

    /// Every chain on a line, its figures under it; `None` when one does not fit the width.
    fn wide(&self) -> Option<Vec<Row>> {
        let mut rows = Vec::new();
        for chain in &self.chains.chains {
            self.wide_chain(chain, &mut rows)?;
        }
        Some(rows)
    }

    fn wide_chain(&self, chain: &Chain, rows: &mut Vec<Row>) -> Option<()> {
        let (mut labels, mut figures) = (Row::default(), Row::default());
        let mut x = 0;
        if let Some(feeders) = self.feeders(chain) {
            x = put(&mut labels, x, feeders);
        }
        let mut at = Vec::with_capacity(chain.hops.len());
        let mut pad = 0;
        for (n, hop) in chain.hops.iter().enumerate() {
            if let Some(link) = hop.link {
                x = put(&mut labels, x, Piece::new(long_arrow(link, pad), self.theme.dim()));
            }
            at.push(x);
            let figure = self.stages[hop.node].figure.clone();
            // The figure under a stage must not run into the next stage's.
            let label = self.label(hop.node);
            pad = (hostile::width(&figure) + 2).saturating_sub(width_of(&label) + 4);
            if !figure.is_empty() {
                put(&mut figures, x, Piece::new(figure, self.figure_style(hop.node)));
            }
            for piece in label {
                x = put(&mut labels, x, piece);
            }
            let settings = hop.mapping.as_ref().map(|id| self.all.settings(id)).unwrap_or_default();
            if n + 1 == chain.hops.len() && chain.loops.is_empty() && !settings.is_empty() {
                x = put(&mut labels, x + 3, Piece::new(settings, self.theme.dim()));
            }
            self.worse(&mut labels, hop);
        }
        x += self.draw_loops(chain, &at, x, &mut labels, &mut figures);
        if x.max(end(&labels)).max(end(&figures)) > self.width {
            return None;
        }
        rows.push(labels);
        if !figures.places.is_empty() {
            rows.push(figures);
        }
        self.below(chain, &at, x, rows);
        Some(())
    }

    /// The way out of a loop, inferred as all writes of functions are: `┄┐` behind the last stage; answers the columns it takes.
    fn draw_loops(&self, chain: &Chain, at: &[u16], x: u16, labels: &mut Row, figures: &mut Row) -> u16 {
        if chain.loops.is_empty() {
            return 0;
        }
        let corner = x.max(end(figures) + 1) + 2;
        let dim = self.theme.dim();
        let line = format!(" {}┐", "┄".repeat(usize::from(corner - x - 1)));
        put(labels, x, Piece::new(line, dim));
        put(figures, corner, Piece::new("┊", dim));
        debug_assert!(at.len() == chain.hops.len());
        corner + 1 - x
    }

    /// The rows under a chain: the way back of its loop, and where its failures go.
    fn below(&self, chain: &Chain, at: &[u16], x: u16, rows: &mut Vec<Row>) {
        let dim = self.theme.dim();
        if let Some(&(_, to)) = chain.loops.first() {
            let from = at[to];
            let corner = x - 1;
            let mut row = Row::default();
            put(
                &mut row,
                from,
                Piece::new(format!("▲{}┘", "┄".repeat(usize::from(corner.saturating_sub(from + 1)))), dim),
            );
            rows.push(row);
        }
        let mut taken: Vec<(u16, usize)> = Vec::new();
        for &(hop, failure) in &chain.branches {
            let mut row = Row::default();
            let mut x = put(&mut row, at[hop], Piece::new("└▶ ", dim));
            for piece in self.label(failure) {
                x = put(&mut row, x, piece);
            }
            put(&mut row, x + 1, Piece::new(self.stages[failure].figure.clone(), self.figure_style(failure)));
            row.worst = self.stages[failure].sign;
            // Two branches side by side share a line when they do not meet.
            match taken.last() {
                Some((end_of, line)) if *end_of + 2 <= at[hop] => {
                    let (line, edge) = (*line, end(&row));
                    rows[line].worst = worst(rows[line].worst, row.worst);
                    rows[line].places.append(&mut row.places);
                    taken.push((edge, line));
                }
                _ => {
                    taken.push((end(&row), rows.len()));
                    rows.push(row);
                }
            }
        }
    }

    /// A line a source with its function.
    fn narrow(&self) -> Vec<Vec<Row>> {
        let mut groups: Vec<Vec<Row>> = Vec::new();
        for chain in &self.chains.chains {
            let mut from = 0;
            while from < chain.hops.len() {
                let mut to = from + 1;
                while to < chain.hops.len() && !self.holds_work(chain, to) {
                    to += 1;
                }
                groups.push(self.narrow_lines(chain, from, to));
                from = to;
            }
        }
        groups
    }

    /// A stage that holds work begins a line.
    fn holds_work(&self, chain: &Chain, hop: usize) -> bool {
        let node = chain.hops[hop].node;
        self.topology.nodes[node].kind == NodeKind::Queue
    }

    /// One line, briefly where it would not fit; failures on it or below it.
    fn narrow_lines(&self, chain: &Chain, from: usize, to: usize) -> Vec<Row> {
        let (mut row, mut x) = self.narrow_line(chain, from, to, false);
        if x > self.width {
            (row, x) = self.narrow_line(chain, from, to, true);
        }
        let dim = self.theme.dim();
        let mut below = Vec::new();
        for &(_, failure) in chain.branches.iter().filter(|(hop, _)| (from..to).contains(hop)) {
            let mut pieces = vec![Piece::new("└▶ ", dim)];
            pieces.extend(self.label(failure));
            pieces.push(Piece::new(format!(" {}", self.stages[failure].figure), self.figure_style(failure)));
            let on_line = below.is_empty() && x + 3 + width_of(&pieces) <= self.width;
            let mut other = Row { worst: self.stages[failure].sign, ..Row::default() };
            let (target, mut at) = if on_line { (&mut row, x + 3) } else { (&mut other, 3) };
            for piece in pieces {
                at = put(target, at, piece);
            }
            if on_line {
                (x, row.worst) = (at, worst(row.worst, other.worst));
            } else {
                below.push(other);
            }
        }
        below.insert(0, row);
        below
    }

    fn narrow_line(&self, chain: &Chain, from: usize, to: usize, brief: bool) -> (Row, u16) {
        let dim = self.theme.dim();
        let (mut row, mut x) = (Row::default(), 0);
        for (n, hop) in chain.hops[from..to].iter().enumerate() {
            if n > 0 {
                x = put(&mut row, x, Piece::new(long_arrow(hop.link.unwrap_or(Link::Solid), 0), dim));
            }
            for piece in self.label(hop.node) {
                x = put(&mut row, x, piece);
            }
            let stage = &self.stages[hop.node];
            let figure = if brief { &stage.brief } else { &stage.figure };
            if !figure.is_empty() {
                x = put(&mut row, x + 1, Piece::new(figure.clone(), self.figure_style(hop.node)));
            }
            self.worse(&mut row, hop);
        }
        let settings = chain.hops[..to].last().and_then(|hop| hop.mapping.as_ref()).map(|id| self.all.settings(id));
        if let Some(settings) = settings.filter(|settings| !brief && x + 3 + hostile::width(settings) <= self.width) {
            x = put(&mut row, x, Piece::new(format!(" · {settings}"), dim));
        }
        for &(_, back) in chain.loops.iter().filter(|(out, _)| (from..to).contains(out)) {
            x = put(&mut row, x + 1, Piece::new(format!("↺ {}", short(&self.stages[chain.hops[back].node].name)), dim));
        }
        (row, x)
    }

    /// What no chain shows: links across, and stages nothing leads to.
    fn rest(&self, rows: &mut Vec<Row>) {
        let dim = self.theme.dim();
        let name = |node: usize| short(&self.stages[node].name);
        let mut texts: Vec<String> = Vec::new();
        texts.extend(
            self.chains
                .crossing
                .iter()
                .map(|(from, to, link)| format!("{} {} {}", name(*from), arrow(*link), name(*to))),
        );
        if !self.chains.alone.is_empty() {
            let names: Vec<String> = self.chains.alone.iter().map(|node| name(*node)).collect();
            texts.push(format!("not connected, as far as the account tells: {}", names.join(", ")));
        }
        let mut line = String::new();
        for text in texts {
            if !line.is_empty() && hostile::width(&line) + hostile::width(&text) + 5 > self.width {
                push_text(rows, std::mem::take(&mut line), dim);
            }
            line.push_str(if line.is_empty() { "" } else { "  ·  " });
            line.push_str(&text);
        }
        if !line.is_empty() {
            push_text(rows, line, dim);
        }
    }

    fn worse(&self, row: &mut Row, hop: &Hop) {
        row.worst = worst(row.worst, self.stages[hop.node].sign);
    }
}

fn push_text(rows: &mut Vec<Row>, text: String, style: Style) {
    let mut row = Row::default();
    put(&mut row, 0, Piece::new(text, style));
    rows.push(row);
}

fn worst(one: Option<Severity>, other: Option<Severity>) -> Option<Severity> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

fn put(row: &mut Row, x: u16, piece: Piece) -> u16 {
    let end = x + piece.width();
    row.places.push((x, piece));
    end
}

fn end(row: &Row) -> u16 {
    row.places.iter().map(|(x, piece)| x + piece.width()).max().unwrap_or(0)
}

/// An arrow with `more` columns of shaft.
fn long_arrow(link: Link, more: u16) -> String {
    let shaft = match link {
        Link::Solid => "─",
        Link::Stream => "═",
        Link::Inferred => "┄",
    };
    format!(" {}{} ", shaft.repeat(usize::from(more)), arrow(link))
}

fn arrow(link: Link) -> &'static str {
    match link {
        Link::Solid => "─▶",
        Link::Stream => "═▶",
        Link::Inferred => "┄▶",
    }
}

fn short(name: &str) -> String {
    if hostile::fits(name, NAME_COLUMNS) {
        return name.to_owned();
    }
    // The end of a long name tells more than its middle: `orders-prod-eu-…-indexer`.
    let chars: Vec<char> = name.chars().collect();
    let keep = usize::from(NAME_COLUMNS) - 1;
    let (head, tail) = (keep / 2, keep - keep / 2);
    let ends: String = chars[..head.min(chars.len())].iter().collect();
    let rest: String = chars[chars.len().saturating_sub(tail)..].iter().collect();
    format!("{ends}…{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{Arn, MappingId};
    use crate::model::topology::{Edge, EdgeKind, Node};
    use crate::ui::{dump, fixture};

    fn drawn(topology: &Topology, width: u16, height: u16) -> String {
        let (picture, findings) = (fixture::picture(), fixture::findings());
        let all = Stages::new(&picture, &findings, fixture::now());
        dump::drawn(width, height, |ink, area| PipelineMap::new(ink.theme, topology, &all, width).draw(ink, area))
    }

    #[test]
    fn the_sandbox_at_116_columns() {
        insta::assert_snapshot!(drawn(&fixture::topology(), 116, 9));
    }

    #[test]
    fn the_sandbox_at_78_columns_is_a_line_a_stage() {
        insta::assert_snapshot!(drawn(&fixture::topology(), 78, 6));
    }

    #[test]
    fn fifty_pipelines_are_cut_worst_first() {
        let mut topology = fixture::topology();
        for n in 0..50 {
            let (queue, function) = (Arn::from(format!("arn:aws:sqs:eu-west-1:1:q{n}")), Arn::from(format!("f{n}")));
            topology.nodes.push(Node {
                arn: queue.clone(),
                kind: NodeKind::Queue,
                name: format!("a-rather-long-queue-name-{n:03}-prod"),
            });
            topology.nodes.push(Node { arn: function.clone(), kind: NodeKind::Function, name: format!("f{n}") });
            topology.edges.push(Edge { from: queue, to: function, kind: EdgeKind::Mapping(MappingId::from("x")) });
        }
        topology.nodes.push(Node { arn: "z".into(), kind: NodeKind::Function, name: "lonely".into() });
        insta::assert_snapshot!(drawn(&topology, 78, 8));
    }
}
