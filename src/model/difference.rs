//! Which of two texts a line of their difference is from.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Both,
    Before,
    After,
    /// Lines that are the same in both and are left out.
    Gap,
}

impl Side {
    /// The sign in front of the line: nobody depends on a colour.
    pub fn sign(self) -> &'static str {
        match self {
            Side::Both => "  ",
            Side::Before => "- ",
            Side::After => "+ ",
            Side::Gap => "… ",
        }
    }
}
