//! What a server asks of the log.

/// One operation. Operations of a server take effect in the order in which it asked for them, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Makes a name this server's own, unless it is somebody's. Its number is the claim.
    Claim { name: Vec<u8>, claim: u64 },
    /// Publishes in a name, if the claim on it still holds.
    AppendAs {
        name: Vec<u8>,
        claim: u64,
        what: Vec<u8>,
    },
    /// The same, and gives the name back. Publishes nothing if there is nothing to tell.
    Release {
        name: Vec<u8>,
        claim: u64,
        what: Vec<u8>,
    },
    /// Publishes in nobody's name.
    Append { what: Vec<u8> },
}

impl Op {
    /// Kind, name, claim and content, as the script takes them.
    pub fn arguments(&self) -> [Vec<u8>; 4] {
        let (kind, name, claim, what): (&str, &[u8], u64, &[u8]) = match self {
            Op::Claim { name, claim } => ("claim", name, *claim, b""),
            Op::AppendAs { name, claim, what } => ("tell", name, *claim, what),
            Op::Release { name, claim, what } => ("release", name, *claim, what),
            Op::Append { what } => ("post", b"", 0, what),
        };
        let claim = claim.to_string().into_bytes();
        [
            kind.as_bytes().to_vec(),
            name.to_vec(),
            claim,
            what.to_vec(),
        ]
    }

    /// About how much memory it takes, in bytes.
    pub fn cost(&self) -> usize {
        let content = match self {
            Op::Claim { name, .. } => name.len(),
            Op::AppendAs { name, what, .. } | Op::Release { name, what, .. } => {
                name.len() + what.len()
            }
            Op::Append { what } => what.len(),
        };
        size_of::<Op>() + content
    }
}

/// Why a name cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimError {
    /// It is somebody's.
    Taken,
    /// Redis does not answer.
    CutOff,
}
