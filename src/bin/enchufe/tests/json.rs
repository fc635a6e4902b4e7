//! Messages of the JSON chat: what we take for JSON, others do too, and what it means is decided without a panic.

use crate::chat::domain::name::Name;
use crate::chat::wire::{json_decode, json_object};
use crate::json::{self, MAX_DEPTH};

pub(crate) fn check(bytes: &[u8]) {
    for depth in [2, MAX_DEPTH] {
        if let Ok(text) = std::str::from_utf8(bytes)
            && json::parse(text, depth).is_ok()
        {
            let theirs: serde_json::Value =
                serde_json::from_str(text).expect("another reader takes it for JSON too");
            // Written again in their words it is still JSON to us.
            let again = theirs.to_string();
            assert!(json::parse(&again, depth).is_ok(), "{again}");
        }
        if let Ok(object) = json_object::parse(bytes, depth) {
            // It ends at the first NUL, for clients written in C.
            let said = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
            assert!(json::parse(std::str::from_utf8(said).expect("text"), depth).is_ok());
            let ana = Name::parse(b"ana").expect("a name");
            let _ = json_decode::decode(&object, None);
            let _ = json_decode::decode(&object, Some(&ana));
        }
    }
}
