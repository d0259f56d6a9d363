//! How deep a JSON text nests, told without parsing it: what nests too deep is never given to a
//! parser (design, "Bodies are bombs").

/// Whether brackets outside of strings nest deeper than `most`. Of few brackets no depth need be told.
pub fn nests_deeper(text: &str, most: usize) -> bool {
    let opening = text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count();
    opening > most && nesting(text) > most
}

/// The deepest nesting of brackets outside of strings. Reads bytes once; never recurses.
pub fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
