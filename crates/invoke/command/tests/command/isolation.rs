//! What a tool in a dry run can not change beyond the content of files: attributes, other processes, what it is given to read.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
};

use dotwrap_invoke::Stop;
use dotwrap_supervisor::{Launch, Program, Sandbox, Stdin, Supervisor};
use nix::{sys::stat, unistd::Uid};
use rstest::rstest;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

use crate::support::{Case, failure, printed, supervisor};

const NOBODY: u32 = 65534;

/// As whom a tool runs, and what the system lets it have.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Account {
    /// As the tests do.
    Own,
    /// As an account without rights, where the tests are root.
    Ordinary,
    /// As a root that may make no namespaces: in most containers.
    Contained,
}

impl Account {
    fn wrapper(self) -> &'static str {
        match (self, Uid::effective().is_root()) {
            (Self::Own, _) | (Self::Ordinary, false) => "",
            (Self::Ordinary, true) => "setpriv --reuid=65534 --regid=65534 --clear-groups",
            (Self::Contained, true) => "setpriv --bounding-set=-sys_admin",
            (Self::Contained, false) => "unshare -Ur setpriv --bounding-set=-sys_admin",
        }
    }
}

/// A folder of a tool's own, and one outside with a file and a folder with a socket in it.
struct Place {
    top: TempDir,
    account: Account,
}

impl Place {
    fn new(account: Account) -> Self {
        let top = tempfile::tempdir().unwrap();
        for folder in ["own", "outside", "outside/home"] {
            fs::create_dir(top.path().join(folder)).unwrap();
        }
        fs::write(top.path().join("outside/there"), "before").unwrap();
        let probe = env!("CARGO_BIN_EXE_invoke-command-probe");
        let supervisor = top.path().join("supervisor");
        let script = format!("#!/bin/sh\nexec {} '{probe}' \"$@\"\n", account.wrapper());
        fs::write(&supervisor, script).unwrap();
        fs::set_permissions(&supervisor, PermissionsExt::from_mode(0o755)).unwrap();
        if account == Account::Ordinary && Uid::effective().is_root() {
            for path in ["", "own", "outside", "outside/home", "outside/there"] {
                chown(top.path().join(path), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Self { top, account }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().canonicalize().unwrap().join(name)
    }

    /// What a script prints in a dry run, which may write to its own folder alone.
    async fn run(&self, script: &str) -> (String, Launch) {
        self.run_writing(script, Vec::new()).await
    }

    /// As [`Place::run`], where it may write to other places as well.
    async fn run_writing(&self, script: &str, declared: Vec<PathBuf>) -> (String, Launch) {
        let own = self.path("own");
        let stderr = own.join(format!("stderr-{}", uuid::Uuid::now_v7()));
        let mut program = Program::new("/bin/sh", &own, &stderr);
        program.arguments = vec!["-c".to_owned(), script.to_owned()];
        let path = std::env::var("PATH").unwrap();
        program.environment = [
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), own.display().to_string()),
        ]
        .into();
        program.sandbox = Sandbox::WritesBelow([vec![own], declared].concat());
        let supervisor = Supervisor::with_executable(self.path("supervisor"))
            .hiding_paths(self.path("outside/home"));
        let started = supervisor.start(program, Stdin::Nothing).await;
        let mut tool = started.unwrap_or_else(|error| panic!("{:?}: {error}", self.account));
        let mut text = String::new();
        let mut stdout = tool.stdout.take().unwrap();
        stdout.read_to_string(&mut text).await.unwrap();
        let launch = tool.launch().clone();
        tool.wait().await;
        let complaint = fs::read_to_string(&stderr).unwrap();
        (text + &complaint, launch)
    }
}

const CHANGES: [&str; 5] = [
    "chmod 777",
    "chown $(id -u):$(id -g)",
    "chmod a+x ../outside;:",
    "touch -d 2001-01-01",
    "perl -e 'open(F,\"<\",$ARGV[0]); exit !chmod(0777, *F)'",
];

#[rstest]
#[tokio::test]
async fn attributes_are_changed_inside_and_not_outside(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = Place::new(account);
    let before = fs::metadata(place.path("outside/there")).unwrap();
    for change in CHANGES {
        let script = format!(
            "cd ../own; echo x >mine; {change} mine && echo inside; {change} ../outside/there 2>/dev/null || echo refused"
        );
        let (said, launch) = place.run(&script).await;
        assert_eq!(
            launch.sandbox.attributes.as_deref(),
            Some("enforced"),
            "{launch:?}"
        );
        assert!(!launch.sandbox.is_incomplete());
        // `:` succeeds.
        if !change.contains("outside") {
            assert_eq!(said, "inside\nrefused\n", "{change} {launch:?}");
        }
        let after = fs::metadata(place.path("outside/there")).unwrap();
        assert_eq!(
            (after.mode(), after.mtime()),
            (before.mode(), before.mtime()),
            "{change}"
        );
        assert_eq!(after.ctime_nsec(), before.ctime_nsec(), "{change}");
    }
    assert_eq!(
        fs::metadata(place.path("outside")).unwrap().mode() & 0o111,
        0o111
    );
}

#[tokio::test]
async fn without_namespaces_owner_and_permissions_can_not_be_changed_at_all() {
    let place = Place::new(Account::Contained);
    for change in ["chmod 777", "chown $(id -u)", "chattr +d"] {
        let script =
            format!("echo x >mine; {change} mine ../outside/there 2>/dev/null || echo refused");
        let (said, launch) = place.run(&script).await;
        assert_eq!(said, "refused\n", "{change} {launch:?}");
        let sandbox = &launch.sandbox;
        assert_eq!(sandbox.attributes.as_deref(), Some("refused"));
        let refused = sandbox.refused.join(" ");
        assert!(refused.contains("owner, permissions"), "{refused}");
        let missing = sandbox.missing.join(" ");
        for what in ["times", "System V IPC", "sockets among"] {
            assert!(missing.contains(what), "{missing}");
        }
        assert!(!sandbox.is_incomplete());
    }
    assert_eq!(
        fs::metadata(place.path("outside/there")).unwrap().mode() & 0o777,
        0o644
    );
}

#[rstest]
#[tokio::test]
async fn honest_tools_that_change_attributes_work_in_their_folder(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = Place::new(account);
    let tools = "mkdir a; echo x >a/b; tar -cf a.tar a; tar -xpf a.tar --one-top-level=c; git init -q d; cp -a a e; install -m 700 a/b f; ls -A c/a d/.git/config e f";
    let (said, _) = place.run(tools).await;
    assert_eq!(said, "d/.git/config\nf\n\nc/a:\nb\n\ne:\nb\n");
}

#[rstest]
#[tokio::test]
async fn a_concealed_socket_can_not_be_reached(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = Place::new(account);
    let socket = place.path("outside/home/socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    fs::set_permissions(&socket, PermissionsExt::from_mode(0o777)).unwrap();
    let connect = format!(
        "perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); exit !connect(S,sockaddr_un($ARGV[0]))' {} && echo connected || echo refused; ls -A ../outside/home",
        socket.display()
    );
    let (said, launch) = place.run(&connect).await;
    assert_eq!(said, "refused\n", "{launch:?}");
    let missing = launch.sandbox.missing.join(" ");
    assert!(!missing.contains("sockets among"), "{missing}");
    let (said, _) = Place::run(&Place::new(Account::Contained), "true").await;
    assert_eq!(said, "");
}

/// The right to what a contract opens is one to all that lies below it.
#[rstest]
#[tokio::test]
async fn a_folder_above_what_is_concealed_opens_the_rest_of_it(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = Place::new(account);
    fs::write(place.path("outside/home/passwords"), "hunter2").unwrap();
    let script = "cd ../outside; echo x >new && echo written; cat home/passwords; ls -A home; mv home away; umount home; \
                  cat home/passwords away/passwords; echo x >home/new; exit 0";
    let (said, launch) = place.run_writing(script, vec![place.path("outside")]).await;
    assert!(said.contains("written"), "{said}");
    assert!(!said.contains("hunter2"), "{said} {launch:?}");
    let home = place.path("outside/home");
    assert_eq!(launch.sandbox.unreadable, [home.display().to_string()]);
    assert!(!launch.sandbox.is_incomplete(), "{launch:?}");
    assert_eq!(home.read_dir().unwrap().count(), 1);
}

#[tokio::test]
async fn a_folder_above_what_is_concealed_is_told_of_where_nothing_covers_it() {
    let place = Place::new(Account::Contained);
    let (_, launch) = place.run_writing("true", vec![place.path("outside")]).await;
    assert!(launch.sandbox.is_incomplete(), "{launch:?}");
    let missing = launch.sandbox.missing.join(" ");
    assert!(
        missing.contains("the contract opens a folder above it"),
        "{missing}"
    );
}

/// A disk has the files on it that are concealed.
#[tokio::test]
async fn devices_that_keep_something_are_not_read() {
    let place = Place::new(Account::Own);
    let device = place.path("outside/zero");
    let mode = stat::Mode::from_bits_truncate(0o666);
    if stat::mknod(&device, stat::SFlag::S_IFCHR, mode, stat::makedev(1, 5)).is_err() {
        return;
    }
    let script = "head -c 1 ../outside/zero 2>/dev/null || echo refused; head -c 1 /dev/zero | wc -c; head -c 1 /dev/urandom | wc -c; echo x >/dev/null";
    assert_eq!(place.run(script).await.0, "refused\n1\n1\n");
}

#[rstest]
#[tokio::test]
async fn other_processes_and_the_kernel_keep_what_they_have(
    #[values(Account::Own, Account::Ordinary)] account: Account,
) {
    let place = Place::new(account);
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

/// Paths behind which there is what the kernel tells of processes.
fn pseudo_files(beside: &Path) -> Vec<String> {
    let own = std::process::id();
    let link = beside.join("link");
    symlink("/proc/self/environ", &link).unwrap();
    vec![
        "/proc/self/environ".to_owned(),
        format!("/proc/{own}/environ"),
        "/proc/self/../self/environ".to_owned(),
        link.display().to_string(),
        "/dev/fd/0".to_owned(),
        "/dev/stdin".to_owned(),
        "/proc/self/exe".to_owned(),
        "/sys/kernel/mm/transparent_hugepage/enabled".to_owned(),
    ]
}

#[rstest]
#[tokio::test]
async fn what_the_kernel_tells_of_processes_is_no_tools_input(
    #[values(false, true)] is_real: bool,
) {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    for input in pseudo_files(&case.outside()) {
        let case = Case::script("cat", json!({"stdin": "{input}"})).input(&input);
        let case = if is_real { case.for_real() } else { case };
        let answer = case.run().await;
        assert_eq!(
            failure(&answer).code,
            "stdin_unusable",
            "{input}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn a_link_or_a_relative_path_to_a_file_is_a_tools_input() {
    let case = Case::script("cat", json!({"stdin": "{input}"}));
    let file = case.outside().join("file");
    fs::write(&file, "text").unwrap();
    let link = case.outside().join("link");
    symlink(&file, &link).unwrap();
    let case = case.input(link.to_str().unwrap());
    assert_eq!(printed(&case.run().await), "text");
    let case = Case::script("wc -l", json!({"stdin": "{input}"})).input("Cargo.toml");
    printed(&case.run().await);
}

/// The launcher opens it, with the tool's rights.
#[tokio::test]
async fn a_file_that_the_tools_account_can_not_read_is_not_its_input() {
    let place = Place::new(Account::Ordinary);
    if !Uid::effective().is_root() {
        return;
    }
    let secret = place.path("secret");
    fs::write(&secret, "").unwrap();
    fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let own = place.path("own");
    let program = Program::new("/bin/cat", &own, &own.join("stderr"));
    let supervisor = Supervisor::with_executable(place.path("supervisor"));
    let error = supervisor
        .start(program, Stdin::File(secret))
        .await
        .unwrap_err();
    assert_eq!(error.code.as_str(), "stdin_unusable", "{error}");
    assert!(error.why.contains("ermission denied"), "{error}");
}

#[tokio::test]
async fn nothing_is_followed_in_place_of_the_calls_folder() {
    for put_at in ["call", "."] {
        let case = Case::script("true", json!({}));
        let folder = case.call.folder.clone();
        let (place, elsewhere) = match put_at {
            "call" => (folder.clone(), case.outside()),
            _ => (folder.parent().unwrap().join("run"), case.outside()),
        };
        let mut case = case;
        if put_at == "call" {
            fs::remove_dir(&place).unwrap();
        } else {
            case.call.folder = place.join("verifier");
        }
        symlink(&elsewhere, &place).unwrap();
        let answer = case.run_by(supervisor(), Stop::never()).await;
        assert_eq!(failure(&answer).code, "folder_unusable", "{put_at}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn other_names_of_an_output_are_recorded() {
    let case = Case::script(
        "echo x >file && ln file ../output",
        json!({"output": "file"}),
    );
    assert_eq!(case.run().await.evidence["output_hard_links"], json!(1));
    let plain = Case::script("echo x >../output", json!({"output": "file"}));
    assert!(
        plain
            .run()
            .await
            .evidence
            .get("output_hard_links")
            .is_none()
    );
}

#[tokio::test]
async fn what_is_mounted_at_an_output_is_recorded() {
    if !Uid::effective().is_root() {
        return;
    }
    let script = "mkdir -p ../output/deep && mount -t tmpfs none ../output/deep";
    let case = Case::script(script, json!({"output": "file"})).for_real();
    let answer = case.run().await;
    let mounted = case.call.folder.join("output/deep");
    let unmounted = std::process::Command::new("umount").arg(&mounted).status();
    assert!(unmounted.unwrap().success());
    assert_eq!(
        answer.evidence["output_mounts"],
        json!(["tmpfs"]),
        "{answer:?}"
    );
}

#[test]
fn a_verifier_that_is_not_told_where_the_output_is_is_warned_of() {
    let warnings = |case: Case| {
        let invoker = crate::support::invoker();
        dotwrap_invoke::Invoker::warnings(&invoker, &case.call.contract)
    };
    let blind = warnings(Case::verifier("true", json!({})));
    assert!(blind[0].contains("{output}"), "{blind:?}");
    for told in [
        Case::verifier("cat $DOT_OUTPUT", json!({})),
        Case::verifier("cat", json!({"stdin": "{output}"})),
        Case::verifier("cat $THIS", json!({"variables": {"THIS": "{output}"}})),
        Case::script("true", json!({})),
    ] {
        assert!(warnings(told).is_empty());
    }
}

/// A program of the runner's account that any other may start with its rights.
#[rstest]
#[case::own(Account::Own)]
#[case::ordinary(Account::Ordinary)]
#[case::contained(Account::Contained)]
#[tokio::test]
async fn dry_run_makes_no_set_id_program(#[case] account: Account) {
    let place = Place::new(account);
    for change in [
        "chmod 4755 made",
        "chmod 2755 made",
        "chmod u+s made",
        "install -m 4755 made other",
        "perl -e 'exit !chmod(04755, \"made\")'",
        "perl -MFcntl -e 'exit !sysopen(F, \"new\", O_CREAT | O_WRONLY, 04755)'",
    ] {
        let script = format!("cp /bin/cat made; {change} 2>/dev/null && echo done || echo refused");
        let (said, launch) = place.run(script.trim()).await;
        assert_eq!(said, "refused\n", "{account:?}: {change}: {launch:?}");
    }
}
