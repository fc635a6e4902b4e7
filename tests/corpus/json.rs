//! Messages of the JSON chat: what we take for JSON, others do too, and what it means is decided without a panic.

use enchufe::services::chat::name::Name;
use enchufe::services::chat::{json_object, json_request};
use enchufe::services::json::{self, MAX_DEPTH};

pub(crate) fn check(octets: &[u8]) {
    for depth in [2, MAX_DEPTH] {
        if let Ok(text) = std::str::from_utf8(octets)
            && json::parse(text, depth).is_ok()
        {
            let theirs: serde_json::Value =
                serde_json::from_str(text).expect("another reader takes it for JSON too");
            // Written again in their words it is still JSON to us.
            let again = theirs.to_string();
            assert!(json::parse(&again, depth).is_ok(), "{again}");
        }
        if let Ok(object) = json_object::parse(octets, depth) {
            // It ends at the first NUL, for clients written in C.
            let said = octets.split(|&octet| octet == 0).next().unwrap_or_default();
            assert!(json::parse(std::str::from_utf8(said).expect("text"), depth).is_ok());
            let ana = Name::parse(b"ana").expect("a name");
            let _ = json_request::meaning(&object, None);
            let _ = json_request::meaning(&object, Some(&ana));
        }
    }
}
