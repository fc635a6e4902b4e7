//! Number of connections the process can carry. Each takes a descriptor, a thread and two memory maps, and the system
//! limits all of them.

use std::fs;
use std::path::Path;

/// Returns the number of connections that the tightest system limit allows, at least 1.
///
/// A thread takes two memory maps (stack and guard page), and the allocator takes more. Beyond `vm.max_map_count`, a
/// failing thread start aborts the process, so connections may use a quarter of the maps. A tenth of the descriptors is
/// reserved for files and rejections, and a tenth of the threads for other purposes.
pub(crate) fn connections() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let cgroups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let maxima = [
        soft_limit(&limits, "Max open files").map(all_but_a_tenth),
        soft_limit(&limits, "Max processes").map(all_but_a_tenth),
        number_in("/proc/sys/vm/max_map_count").map(|maps| maps / 4),
        number_in("/proc/sys/kernel/threads-max").map(|threads| threads / 2),
        pids_files(&cgroups)
            .iter()
            .filter_map(number_in)
            .map(all_but_a_tenth)
            .min(),
    ];
    let tightest = maxima.into_iter().flatten().min();
    tightest.unwrap_or(FALLBACK).max(1)
}

fn all_but_a_tenth(count: usize) -> usize {
    count.saturating_sub(count / 10 + 16)
}

/// Returns the number in a file, or `None` if the file is missing or contains `max`.
fn number_in(path: impl AsRef<Path>) -> Option<usize> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the soft limit in a row of `/proc/self/limits`; `None` when unlimited or unknown.
fn soft_limit(table: &str, row: &str) -> Option<usize> {
    let line = table.lines().find_map(|line| line.strip_prefix(row))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns the `pids.max` files of the process's control group and all its ancestors, for cgroup version 2 (`0::/path`) and version 1 (`8:pids:/path`).
fn pids_files(cgroups: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in cgroups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let root = match fields.next() {
            Some("") => "/sys/fs/cgroup",
            Some(controllers) if controllers.split(',').any(|one| one == "pids") => {
                "/sys/fs/cgroup/pids"
            }
            _ => continue,
        };
        let own = Path::new(fields.next().unwrap_or("/"));
        let groups = own.ancestors().map(|group| {
            let group = group.display().to_string();
            format!("{root}{}/pids.max", group.trim_end_matches('/'))
        });
        files.extend(groups);
    }
    files
}

/// Used if no limit is known. Ordinary desktop systems allow more.
const FALLBACK: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_limit_is_the_first_number_of_its_row() {
        let table = "Limit                     Soft Limit           Hard Limit           Units\n\
            Max processes             unlimited            unlimited            processes\n\
            Max open files            1024                 1048576              files\n";
        assert_eq!(soft_limit(table, "Max open files"), Some(1024));
        assert_eq!(soft_limit(table, "Max processes"), None);
        assert_eq!(soft_limit(table, "Max locked memory"), None);
    }

    #[test]
    fn the_process_group_and_its_ancestors_count() {
        assert_eq!(
            pids_files("0::/system.slice/enchufe.service\n"),
            [
                "/sys/fs/cgroup/system.slice/enchufe.service/pids.max",
                "/sys/fs/cgroup/system.slice/pids.max",
                "/sys/fs/cgroup/pids.max",
            ]
        );
        assert_eq!(
            pids_files("9:name=systemd:/\n8:pids:/box\n4:memory:/elsewhere\n"),
            [
                "/sys/fs/cgroup/pids/box/pids.max",
                "/sys/fs/cgroup/pids/pids.max"
            ]
        );
    }

    #[test]
    fn at_least_one_connection_is_allowed() {
        assert!(connections() >= 1);
        assert_eq!(all_but_a_tenth(10), 0);
        assert_eq!(all_but_a_tenth(1_000), 884);
    }
}
