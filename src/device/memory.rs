//! How much main memory there is to take, where the system tells (Linux): of the machine, of the process, and of the control
//! groups that a container or a batch system puts its processes in.

use std::fs;
use std::path::Path;

/// Bytes of main memory that this process can still take: what the machine has available, and what its own limits (`ulimit`)
/// and those of its control groups leave.
pub fn free_memory() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|report| kibibytes(&report, "MemAvailable:"));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = left_in_groups(Path::new("/sys/fs/cgroup"), &groups);
    let own = |file: &str| fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let process = left_of_process(&own("limits"), &own("status"));
    [machine, group, process].into_iter().flatten().min()
}

/// What the process's own limits, as `/proc/self/limits` has them, leave of what `/proc/self/status` says it takes.
fn left_of_process(limits: &str, status: &str) -> Option<u64> {
    let kinds = [
        ("Max address space", "VmSize:"),
        ("Max data size", "VmData:"),
    ];
    let left = kinds.iter().filter_map(|(limit, taken)| {
        let line = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        let most: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(most.saturating_sub(kibibytes(status, taken)?))
    });
    left.min()
}

/// Bytes of main memory that this process has taken.
pub fn resident_memory() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The bytes in the line of a report that begins with `name` and counts kibibytes.
fn kibibytes(report: &str, name: &str) -> Option<u64> {
    let line = report.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least that any limit on the way from `root` to the process's own groups leaves. `groups` is `/proc/self/cgroup`: a
/// line `0::PATH` for version 2, and one like `4:memory:PATH` for version 1.
fn left_in_groups(root: &Path, groups: &str) -> Option<u64> {
    let mut least: Option<u64> = None;
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (root, limit, usage) = match controllers {
            "" => (root.to_owned(), "memory.max", "memory.current"),
            _ if controllers.split(',').any(|name| name == "memory") => (
                root.join("memory"),
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
            ),
            _ => continue,
        };
        let own = root.join(path.trim_start_matches('/'));
        // In a container the path may lead outside of what is mounted; the root is then its own group.
        for group in own.ancestors().take_while(|group| group.starts_with(&root)) {
            let number = |name: &str| -> Option<u64> {
                fs::read_to_string(group.join(name))
                    .ok()?
                    .trim()
                    .parse()
                    .ok()
            };
            if let (Some(limit), Some(usage)) = (number(limit), number(usage)) {
                // Pages of files that nobody used lately are given back when memory is short.
                let left = limit.saturating_sub(usage.saturating_sub(cached(group)));
                least = Some(least.map_or(left, |least| least.min(left)));
            }
        }
    }
    least
}

/// Bytes of inactive file pages of a group.
fn cached(group: &Path) -> u64 {
    let report = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let of = |name: &str| {
        let line = report.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    of("total_inactive_file ")
        .or_else(|| of("inactive_file "))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_group_on_the_way_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, content: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a folder");
            fs::write(path, content).expect("written");
        };
        let left = |groups: &str| left_in_groups(root.path(), groups);
        assert_eq!(left("0::/job/step\n"), None);
        write("job/memory.max", "1000\n");
        write("job/memory.current", "700\n");
        write("job/memory.stat", "anon 500\ninactive_file 100\n");
        write("job/step/memory.max", "max\n");
        write("job/step/memory.current", "600\n");
        assert_eq!(left("0::/job/step\n"), Some(400));
        // Version 1, beside it.
        write("memory/pod/memory.limit_in_bytes", "500");
        write("memory/pod/memory.usage_in_bytes", "900");
        assert_eq!(left("5:cpu,memory:/pod\n0::/job\n"), Some(0));
        assert_eq!(left("5:cpu:/pod\nnonsense\n"), None);
        assert_eq!(left("0::/../../job\n"), None);
    }

    #[test]
    fn the_limits_of_the_process_count() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
            Max data size             unlimited            unlimited            bytes\n\
            Max address space         2097152              unlimited            bytes\n";
        let status = "VmSize:\t  1024 kB\nVmData:\t  512 kB\n";
        assert_eq!(left_of_process(limits, status), Some(1 << 20));
        let data = limits.replace("unlimited            unlimited", "600000 unlimited");
        assert_eq!(left_of_process(&data, status), Some(600_000 - (512 << 10)));
        assert_eq!(
            left_of_process("Max address space  unlimited\n", status),
            None
        );
        assert_eq!(left_of_process("", ""), None);
    }

    #[test]
    fn reports_are_read_where_there_are_any() {
        assert_eq!(
            kibibytes("MemTotal: 9 kB\nMemAvailable:   12 kB\n", "MemAvailable:"),
            Some(12288)
        );
        assert_eq!(kibibytes("MemAvailable: many\n", "MemAvailable:"), None);
        if cfg!(target_os = "linux") {
            assert!(resident_memory().expect("told") > 1 << 20);
            assert!(free_memory().expect("told") > 0);
        }
    }
}
