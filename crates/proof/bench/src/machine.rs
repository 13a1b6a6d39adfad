//! The description of the machine that a figure was measured on.

/// Processor, cores and memory in one line, as far as the system reports them.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor =
        field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_else(|| "memory unknown".to_owned());
    format!(
        "{} {}, {cores} cores of {processor}, {memory}",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
