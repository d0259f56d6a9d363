//! The `Date` header's form (RFC 7231 §7.1.1.1).

use crate::model::time::Timestamp;

/// `Thu, 01 Jan 2026 00:00:00 GMT`
pub fn imf_fixdate(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_second(at.s()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let t = jiff::tz::TimeZone::UTC.to_datetime(instant);
    let day = DAYS[usize::try_from(t.weekday().to_monday_zero_offset()).unwrap_or(0) % DAYS.len()];
    let month = MONTHS[usize::try_from(t.month() - 1).unwrap_or(0) % MONTHS.len()];
    format!("{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT", t.day(), t.year(), t.hour(), t.minute(), t.second())
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(imf_fixdate(Timestamp::from_s(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(imf_fixdate(Timestamp::from_ms(1_767_225_600_999)), "Thu, 01 Jan 2026 00:00:00 GMT");
    }
}
