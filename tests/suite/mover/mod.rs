//! How fast the mover is when it is asked, and how gentle when it is not: the real machine through the
//! real runner and the real journal, in simulated time, so that a second is the same second every time.

mod fast;
#[allow(dead_code)]
mod gentle;

/// `cargo bench --bench mover` does it with 10,000.
#[test]
fn a_redrive_at_the_default_rate_lets_live_jobs_wait_at_most_twice_as_long() {
    let seen = gentle::redriven(1_000, 1);
    let (before, during) = (seen.before_ms, seen.during_ms);
    assert!(during <= 2 * before, "{during} ms at p95, {before} ms before; {}", seen.why);
    assert!(seen.why.contains("has to spare"), "{}", seen.why);
}
