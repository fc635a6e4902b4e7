//! The four states a user can be in: seed 001, "Estados de un Usuario".

/// What a user is doing; the number is the one on the binary wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not there: nobody holds the name, or its holder asked to count as offline.
    Disconnected = 0,
    /// Has sent a chat message lately.
    Active = 1,
    /// Asked not to be disturbed: receives everything, and only its client hides it. Never changes by itself.
    Busy = 2,
    /// Connected, but has sent no chat message for a while.
    Inactive = 3,
}

impl Status {
    /// The status with this number; `None` above 3.
    pub fn from_number(number: u8) -> Option<Status> {
        match number {
            0 => Some(Status::Disconnected),
            1 => Some(Status::Active),
            2 => Some(Status::Busy),
            3 => Some(Status::Inactive),
            _ => None,
        }
    }

    /// The number on the binary wire, 0 to 3.
    pub fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_from_0_to_3() {
        for number in 0..=3 {
            assert_eq!(Status::from_number(number).unwrap().number(), number);
        }
        for number in 4..=255 {
            assert_eq!(Status::from_number(number), None);
        }
    }
}
