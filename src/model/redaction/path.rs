//! A path into a JSON text: `profile.email`, `to.*.email`, `to[0]`, `$.to[*]`; a backslash takes the
//! next character for a part of the name.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Every element, or every member.
    Every,
    /// The member of that name, or the element of that number.
    One(String),
}

impl Path {
    /// # Errors
    /// Why it is no path.
    pub fn parse(text: &str) -> Result<Path, String> {
        let text = text.trim();
        let rest = text.strip_prefix('$').unwrap_or(text);
        let mut chars = rest.strip_prefix('.').unwrap_or(rest).chars();
        let wrong = |why: &str| format!("{text:?} is no path into a message: {why}; write it as \"profile.email\"");
        let mut steps = Vec::new();
        let mut name = String::new();
        // What may come next: a name must, or a dot or bracket may.
        let (mut named, mut ended) = (false, false);
        while let Some(c) = chars.next() {
            match c {
                '.' if named => steps.push(Step::of(std::mem::take(&mut name))),
                '.' if ended => {}
                '.' => return Err(wrong("two dots stand together")),
                '[' => {
                    if named {
                        steps.push(Step::of(std::mem::take(&mut name)));
                    }
                    let mut closed = false;
                    let mut is_inside = |c: &char| {
                        closed = *c == ']';
                        !closed
                    };
                    let inside: String = chars.by_ref().take_while(&mut is_inside).collect();
                    if !closed {
                        return Err(wrong("nothing closes its bracket"));
                    }
                    steps.push(Step::bracketed(&inside));
                }
                '\\' => name.extend(chars.next()),
                c => name.push(c),
            }
            ended = c == '[';
            named = !matches!(c, '.' | '[');
        }
        if named {
            steps.push(Step::of(name));
        } else if !ended && !steps.is_empty() {
            return Err(wrong("it ends in a dot"));
        }
        if steps.is_empty() {
            return Err(wrong("it is empty"));
        }
        Ok(Path { text: text.to_owned(), steps })
    }

    /// One member by its name.
    pub fn member(name: &str) -> Path {
        Path { text: name.to_owned(), steps: vec![Step::One(name.to_owned())] }
    }

    /// The same so many levels down, whatever is above it.
    pub fn below(&self, levels: usize) -> Path {
        let above = std::iter::repeat_n(Step::Every, levels);
        Path { text: self.text.clone(), steps: above.chain(self.steps.iter().cloned()).collect() }
    }

    /// The same with a level between each two, as DynamoDB types what is nested: `profile.M.email`.
    pub fn typed(&self) -> Path {
        let steps = self.steps.iter().enumerate();
        let steps = steps.flat_map(|(n, step)| (n > 0).then_some(Step::Every).into_iter().chain([step.clone()]));
        Path { text: self.text.clone(), steps: steps.collect() }
    }

    /// Its last step is that name.
    pub fn ends_in(&self, name: &str) -> bool {
        matches!(self.steps.last(), Some(Step::One(last)) if last == name)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn depth(&self) -> usize {
        self.steps.len()
    }

    /// Its step at this depth leads to the member.
    pub fn leads_to_member(&self, depth: usize, name: &str) -> bool {
        match self.steps.get(depth) {
            Some(Step::Every) => true,
            Some(Step::One(step)) => step == name,
            None => false,
        }
    }

    /// Its step at this depth leads to the element.
    pub fn leads_to_element(&self, depth: usize, index: usize) -> bool {
        match self.steps.get(depth) {
            Some(Step::Every) => true,
            Some(Step::One(step)) => step.parse() == Ok(index),
            None => false,
        }
    }
}

impl Step {
    fn of(name: String) -> Step {
        if name == "*" { Step::Every } else { Step::One(name) }
    }

    /// `[0]`, `[*]`, `[]`, `["a name"]`.
    fn bracketed(inside: &str) -> Step {
        match inside.trim() {
            "" | "*" => Step::Every,
            text => Step::One(text.trim_matches(['"', '\'']).to_owned()),
        }
    }
}
