//! How much memory models take, as the system sees it from outside: no engine says it. Linux; elsewhere nobody answers,
//! and a model counts as large as its weights. Only asks; frees nothing.

use std::fs;
use std::process::Command;

/// Half of a machine's memory is left to everything else: cutters, assemblers, the system.
const SHARE_OF_MACHINE: u64 = 2;

/// Asked before and after a model is loaded and run.
pub trait MemoryGauge: Send {
    /// Bytes in use now; none where the system does not say.
    fn used_bytes(&self) -> Option<u64>;

    /// Bytes that models may take together where nobody chose; none for no limit.
    fn budget_bytes(&self) -> Option<u64>;
}

/// The processor's memory, of this process: what it has written to and not given back. Weights and arenas are in it, and
/// so is what other threads take or free at the same time.
pub struct ProcessMemory;

impl MemoryGauge for ProcessMemory {
    fn used_bytes(&self) -> Option<u64> {
        kilobytes(&fs::read_to_string("/proc/self/status").ok()?, "RssAnon:")
    }

    fn budget_bytes(&self) -> Option<u64> {
        let machine = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
        // A container may have less than its machine.
        let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
        let container = container.and_then(|text| text.trim().parse::<u64>().ok());
        Some(container.map_or(machine, |bytes| bytes.min(machine)) / SHARE_OF_MACHINE)
    }
}

/// An NVIDIA card's memory, of all who use the card, as its own tool tells it, which counts cards by their place on the
/// bus; CUDA does where `CUDA_DEVICE_ORDER` says so.
pub struct CardMemory {
    /// Which card.
    pub number: u8,
}

impl CardMemory {
    fn ask(&self, what: &str) -> Option<u64> {
        let query = format!("--query-gpu={what}");
        let number = format!("--id={}", self.number);
        let asked =
            Command::new("nvidia-smi").args([&query, &number, "--format=csv,noheader,nounits"]).output();
        megabytes(&String::from_utf8_lossy(&asked.ok()?.stdout))
    }
}

impl MemoryGauge for CardMemory {
    fn used_bytes(&self) -> Option<u64> {
        self.ask("memory.used")
    }

    fn budget_bytes(&self) -> Option<u64> {
        // The rest is for activations.
        self.ask("memory.total").map(|bytes| bytes / 4 * 3)
    }
}

/// A line like `RssAnon:     1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// A number of MB alone on a line, in bytes.
fn megabytes(text: &str) -> Option<u64> {
    text.trim().parse::<u64>().ok()?.checked_mul(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_systems_write() {
        let status = "Name:\ttributary\nVmRSS:\t  300 kB\nRssAnon:\t  124 kB\nRssFile:\t 176 kB\n";
        assert_eq!(kilobytes(status, "RssAnon:"), Some(124 * 1024));
        assert_eq!(kilobytes(status, "MemTotal:"), None);
        assert_eq!(kilobytes("RssAnon: many kB", "RssAnon:"), None);
        assert_eq!(megabytes("14023\n"), Some(14_023 << 20));
        for odd in ["", "[N/A]", "No devices were found\n", "18446744073709551615"] {
            assert_eq!(megabytes(odd), None, "{odd}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_this_process_takes_is_seen() {
        const BYTES: u32 = 64 << 20;
        let before = ProcessMemory.used_bytes().unwrap();
        let taken = vec![1_u8; usize::try_from(BYTES).unwrap()];
        let after = ProcessMemory.used_bytes().unwrap();
        // Other tests run beside this one, and give back what they took.
        assert!(after > before + u64::from(BYTES / 2), "{before} {after}");
        assert!(ProcessMemory.budget_bytes().unwrap() > 0);
        drop(std::hint::black_box(taken));
    }
}
