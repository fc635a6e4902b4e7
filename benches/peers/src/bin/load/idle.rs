pub fn run(_: &crate::options::Options) -> crate::Outcome { Err("not yet".into()) }
