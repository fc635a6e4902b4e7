//! Changes of inputs, as fuzzers make them, from numbers that are the same each time.

pub(crate) struct Mutator<'a> {
    corpus: &'a [(String, Vec<u8>)],
    state: u64,
}

impl<'a> Mutator<'a> {
    pub(crate) fn new(corpus: &'a [(String, Vec<u8>)]) -> Self {
        let state = 0x9e37_79b9_7f4a_7c15;
        Self { corpus, state }
    }

    /// One of the inputs, changed in one to eight places.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut octets = self.any().to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut octets);
        }
        octets.truncate(LONGEST);
        octets
    }

    fn change(&mut self, octets: &mut Vec<u8>) {
        let at = self.below(octets.len() + 1);
        let end = at + self.below(octets.len() - at + 1);
        match self.below(8) {
            0 if at < octets.len() => octets[at] ^= 1 << self.below(8),
            1 if at < octets.len() => octets[at] = self.octet(),
            2 => octets.insert(at, self.octet()),
            3 => drop(octets.drain(at..end)),
            4 => octets.truncate(end),
            5 => {
                let again = octets[at..end].to_vec();
                let to = self.below(octets.len() + 1);
                octets.splice(to..to, again);
            }
            6 => {
                // The beginning of this one, the end of another.
                let other = self.any();
                let from = self.below(other.len() + 1);
                octets.truncate(at);
                octets.extend_from_slice(&other[from..]);
            }
            _ => {
                let many = self.below(300);
                let octet = self.octet();
                octets.splice(at..at, std::iter::repeat_n(octet, many));
            }
        }
        octets.truncate(LONGEST);
    }

    fn any(&mut self) -> &'a [u8] {
        let at = self.below(self.corpus.len());
        &self.corpus[at].1
    }

    /// Any byte, or one of those that often mean something.
    fn octet(&mut self) -> u8 {
        const SPECIAL: &[u8] = b"\0\x01\x1e\x7e\x7f\x80\x81\x88\xff\r\n %:/\\.\"{}[],\xc3\xed\xf4";
        match self.below(2) {
            0 => SPECIAL[self.below(SPECIAL.len())],
            _ => self.below(256) as u8,
        }
    }

    /// A number below `end`, which is not zero (xorshift).
    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) as usize % end
    }
}

const LONGEST: usize = 4096;
