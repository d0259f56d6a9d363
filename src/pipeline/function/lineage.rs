//! The chain of a request through queues and functions, as the trace header carries it: after about
//! 16 hops Lambda breaks a loop off unless the function allows it (aws-facts §1.9).

/// Invocations in one chain before the next is refused.
pub const MAX_HOPS: u32 = 16;

/// Hops that lie behind a message, from its `AWSTraceHeader`; 0 when it has none.
pub fn hops_of(header: Option<&str>) -> u32 {
    let lineage =
        header.into_iter().flat_map(|header| header.split(';')).find_map(|part| part.strip_prefix("Lineage="));
    lineage.and_then(|lineage| lineage.rsplit(':').next()).and_then(|hops| hops.parse().ok()).unwrap_or(0)
}

/// The header of a message that a run with so many hops behind it sends.
pub fn header(root: u64, function: &str, hops: u32) -> String {
    let hash = function.bytes().fold(0x811c_9dc5u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("Root=1-{:08x}-{:024x};Sampled=0;Lineage=1:{hash:08x}:{hops}", root >> 32, root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_survive_the_header() {
        assert_eq!(hops_of(Some(&header(7, "JobWorker", 15))), 15);
        assert_eq!(hops_of(Some("Root=1-0-0;Sampled=0")), 0);
        assert_eq!(hops_of(Some("Lineage=garbage")), 0);
        assert_eq!(hops_of(None), 0);
    }
}
