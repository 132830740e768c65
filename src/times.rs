//! Times as people type and read them.

use crate::{clock::millis, domain::Ms};

/// A time in UTC, to the second.
pub fn utc(ms: Ms) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| ms.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

/// A time as typed: RFC 3339, a day, or a span before `now` such as `1h` or `2days`.
pub fn typed(text: &str, now: Ms) -> Result<Ms, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(now.saturating_sub(millis(span)));
    }
    let day = format!("{text}T00:00:00Z");
    [text, &day]
        .iter()
        .find_map(|t| t.parse::<jiff::Timestamp>().ok())
        .map(jiff::Timestamp::as_millisecond)
        .ok_or_else(|| {
            format!("{text:?} is not a time: use 2026-11-23T08:00:00Z, 2026-11-23, or a span such as 1h")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_typed() {
        let now = 1_800_000_000_000;
        assert_eq!(typed("1h", now), Ok(now - 3_600_000));
        assert_eq!(typed("2026-11-23T08:00:00Z", now), Ok(1_795_420_800_000));
        assert_eq!(typed("2026-11-23", now), Ok(1_795_392_000_000));
        assert!(typed("soon", now).is_err());
        assert_eq!(utc(1_795_420_800_000), "2026-11-23 08:00:00Z");
    }
}
