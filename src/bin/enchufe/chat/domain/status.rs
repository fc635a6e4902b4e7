//! The four statuses of a user: seed 001, "Estados de un Usuario".

/// Status of a user, with its number on the binary wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not connected, or connected and set to appear offline.
    Disconnected = 0,
    /// Connected, and sent a chat message recently.
    Active = 1,
    /// Set to do not disturb: the server delivers everything, and the client hides it. Set and cleared by the user only.
    Busy = 2,
    /// Connected, but sent no chat message recently.
    Inactive = 3,
}

impl Status {
    /// Returns the status with this number; `None` above 3.
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Disconnected),
            1 => Some(Self::Active),
            2 => Some(Self::Busy),
            3 => Some(Self::Inactive),
            _ => None,
        }
    }

    /// Returns the number on the binary wire, 0 to 3.
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
