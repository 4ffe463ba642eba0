//! Local times made instants.

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// The zone of an IANA name, from the time zone data that this program carries (not the host's, which may
/// be older). `None` if there is no such zone.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}
