//! Limits of other processes and System V IPC.

use std::fs;

use rstest::rstest;

use super::sandbox_dirs::{Account, SandboxDirs};

#[rstest]
#[tokio::test]
async fn limits_of_other_processes_and_kernel_ipc_stay_unchanged(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = SandboxDirs::new(account);
    let sleeper = std::process::Command::new("sh")
        .args(["-c", &format!("exec {} sleep 600", account.wrapper())])
        .spawn();
    let mut sleeper = sleeper.unwrap();
    let script = format!(
        "prlimit --pid {} --nofile=9:9 2>/dev/null && echo limited; prlimit --pid $$ >/dev/null || echo own limits not read; ulimit -S -n 40 || echo own limits not set; ipcmk -Q >/dev/null && ipcs -q | grep -c 0x",
        sleeper.id()
    );
    let (said, launch) = place.run(&script).await;
    let outside = std::process::Command::new("ipcs")
        .arg("-q")
        .output()
        .unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", sleeper.id())).unwrap();
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(said, "1\n", "{launch:?}");
    assert!(!String::from_utf8_lossy(&outside.stdout).contains("0x"));
    assert!(!limits.contains("Max open files            9 "), "{limits}");
    let refused = launch.sandbox.refused.join(" ");
    for what in ["keys", "limits of other processes", "io_uring"] {
        assert!(refused.contains(what), "{refused}");
    }
}
