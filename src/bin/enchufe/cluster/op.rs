//! Operations on the log.

/// An operation. Those of one server take effect in order, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Claims a name for this server, unless it is claimed. `claim` is the number of this operation.
    Claim { name: Vec<u8>, claim: u64 },
    /// Appends an entry under a name, if the claim is still valid.
    AppendAs {
        name: Vec<u8>,
        claim: u64,
        content: Vec<u8>,
    },
    /// Appends an entry, unless `content` is empty, and releases the name, if the claim is still valid.
    Release {
        name: Vec<u8>,
        claim: u64,
        content: Vec<u8>,
    },
    /// Appends an entry without a name.
    Append { content: Vec<u8> },
}

impl Op {
    /// Returns kind, name, claim and content: the arguments of the script.
    pub fn arguments(&self) -> [Vec<u8>; 4] {
        let (kind, name, claim, content): (&str, &[u8], u64, &[u8]) = match self {
            Self::Claim { name, claim } => ("claim", name, *claim, b""),
            Self::AppendAs {
                name,
                claim,
                content,
            } => ("tell", name, *claim, content),
            Self::Release {
                name,
                claim,
                content,
            } => ("release", name, *claim, content),
            Self::Append { content } => ("post", b"", 0, content),
        };
        let claim = claim.to_string().into_bytes();
        [
            kind.as_bytes().to_vec(),
            name.to_vec(),
            claim,
            content.to_vec(),
        ]
    }

    /// Returns the approximate memory of the operation, in bytes.
    pub fn cost(&self) -> usize {
        let content = match self {
            Self::Claim { name, .. } => name.len(),
            Self::AppendAs { name, content, .. } | Self::Release { name, content, .. } => {
                name.len() + content.len()
            }
            Self::Append { content } => content.len(),
        };
        size_of::<Self>() + content
    }
}

/// Reason why a name could not be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimError {
    /// The name is claimed.
    Taken,
    /// Redis does not answer.
    Unavailable,
}
