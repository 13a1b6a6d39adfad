//! Real processes that use a cluster, and are ended in every possible way.

#![allow(
    dead_code,
    reason = "each test program uses its own part of what stands here"
)]
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use dotwrap_testkit::{Version, postgres_folder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// Nothing that is waited for takes this long.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// A place for one cluster, which is gone when the test ends.
pub(crate) struct Place {
    folder: PathBuf,
    _top: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::named("cluster")
    }

    /// A cluster in a folder whose whole path has this many bytes.
    pub(crate) fn of_length(bytes: usize) -> Self {
        let mut place = Self::new();
        let top = place.folder.parent().unwrap().canonicalize().unwrap();
        let name = "x".repeat(bytes - top.as_os_str().len() - 1);
        place.folder = top.join(name);
        place
    }

    /// A cluster in a folder of this name.
    pub(crate) fn named(name: &str) -> Self {
        let top = tempfile::tempdir().unwrap();
        // As root, the server runs as an account that must get through.
        fs::set_permissions(top.path(), Permissions::from_mode(0o755)).unwrap();
        Self {
            folder: top.path().join(name),
            _top: top,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn passwords(&self) -> PathBuf {
        self.folder.join("passwords")
    }

    /// What uses the cluster here. Its server stops a fifth of a second after its last user.
    pub(crate) fn command(&self) -> Command {
        self.lingering(200)
    }

    pub(crate) fn lingering(&self, milliseconds: u32) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_embedded-probe"));
        command
            .arg(&self.folder)
            .arg(milliseconds.to_string())
            .env("DOTWRAP_PG_BIN", postgres_folder(Version::V15))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self) -> Probe {
        Probe::start(self.command())
    }

    /// The process id of the server.
    pub(crate) fn server(&self) -> i32 {
        let file = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        file.lines().next().unwrap().parse().unwrap()
    }

    /// The process id of the server's keeper.
    pub(crate) fn keeper(&self) -> i32 {
        let folder = self.folder.canonicalize().unwrap();
        let keepers: Vec<i32> = processes()
            .filter(|(_, arguments)| {
                arguments.get(1).is_some_and(|it| it == "__embedded-keeper")
                    && arguments.get(2).is_some_and(|it| Path::new(it) == folder)
            })
            .map(|(pid, _)| pid)
            .collect();
        assert_eq!(keepers.len(), 1, "keepers of {}", folder.display());
        keepers[0]
    }

    /// Waits until no process of the server lives.
    pub(crate) fn wait_until_stopped(&self) {
        let Ok(lock) = File::open(self.folder.join("server.lock")) else {
            return;
        };
        wait_until("the server stops", || lock.try_lock().is_ok());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.wait_until_stopped();
        } else if let Ok(file) = fs::read_to_string(self.data().join("postmaster.pid"))
            && let Some(Ok(pid)) = file.lines().next().map(str::parse)
        {
            kill_9(pid);
        }
    }
}

/// A running process that uses a cluster.
pub(crate) struct Probe {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// How it came by the server: `Created`, `Started` or `Attached`.
    pub(crate) origin: String,
    pub(crate) url: String,
}

impl Probe {
    /// Starts it and waits until it is connected.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut probe = Self {
            input: process.stdin.take(),
            process,
            output,
            origin: String::new(),
            url: String::new(),
        };
        let line = probe.line();
        let Some((origin, url)) = line
            .strip_prefix("ready ")
            .and_then(|it| it.split_once(' '))
        else {
            let mut said = String::new();
            let _ = probe
                .process
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut said);
            panic!("not ready: {line:?} {said}");
        };
        (probe.origin, probe.url) = (origin.to_owned(), url.to_owned());
        probe
    }

    /// Commits a row, and returns once that is acknowledged.
    pub(crate) fn insert(&mut self, number: u32) {
        writeln!(self.input.as_ref().unwrap(), "insert {number}").unwrap();
        assert_eq!(self.line(), format!("acknowledged {number}"));
    }

    /// How many rows are there.
    pub(crate) fn count(&mut self) -> u32 {
        writeln!(self.input.as_ref().unwrap(), "count").unwrap();
        let line = self.line();
        line.strip_prefix("counted ").unwrap().parse().unwrap()
    }

    /// Ends it as it ends by itself. Its output ends with it, though the server lives on.
    pub(crate) fn end(mut self) {
        drop(self.input.take());
        assert_eq!(self.line(), "", "nothing more is said");
        assert!(self.process.wait().unwrap().success());
    }

    /// Ends it with no chance to do anything about it.
    pub(crate) fn kill_9(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What a probe that fails says.
pub(crate) fn failure(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(!output.status.success(), "it succeeded: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// Kills a process; one that ended meanwhile, as a server's children do behind it, needs no more.
pub(crate) fn kill_9(pid: i32) {
    match kill(Pid::from_raw(pid), Signal::SIGKILL) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
        Err(error) => panic!("{pid}: {error}"),
    }
}

pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WAIT_LIMIT, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Access control lists, as the kernel's extended attributes have them.
pub(crate) const ACCESS: &str = "system.posix_acl_access";
pub(crate) const INHERITED: &str = "system.posix_acl_default";

/// The account that the lists of these tests name.
const NAMED: u32 = 65_534;

/// Gives the named account these permissions by a list. False where the file system has no lists.
pub(crate) fn admit(path: &Path, name: &str, permissions: u16) -> bool {
    let mut list = vec![2, 0, 0, 0];
    for (tag, permissions, id) in [
        (0x01, 7, u32::MAX),
        (0x02, permissions, NAMED),
        (0x04, 0, u32::MAX),
        (0x10, permissions, u32::MAX),
        (0x20, 0, u32::MAX),
    ] {
        list.extend(u16::to_le_bytes(tag));
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    match rustix::fs::setxattr(path, name, &list, rustix::fs::XattrFlags::empty()) {
        Ok(()) => true,
        Err(rustix::io::Errno::OPNOTSUPP) => {
            let path = path.display();
            eprintln!("NOT TESTED: the file system of {path} has no access control lists");
            false
        }
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Whether the file has such a list.
pub(crate) fn has_list(path: &Path, name: &str) -> bool {
    match rustix::fs::getxattr(path, name, &mut [0; 512]) {
        Ok(_) => true,
        Err(rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP) => false,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// All processes with their arguments.
fn processes() -> impl Iterator<Item = (i32, Vec<String>)> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let arguments = line.split(|byte| *byte == 0);
            let arguments = arguments.map(|it| String::from_utf8_lossy(it).into_owned());
            Some((pid, arguments.collect()))
        })
}

/// The servers that run on the data of a place.
pub(crate) fn postmasters(place: &Place) -> Vec<i32> {
    let data = place.data().canonicalize().unwrap();
    let is_server = |arguments: &[String]| {
        let program = arguments.first().map(Path::new);
        program.is_some_and(|it| it.ends_with("postgres"))
            && arguments.get(1).is_some_and(|it| it == "-D")
            && arguments.get(2).is_some_and(|it| Path::new(it) == data)
    };
    let found: Vec<i32> = processes()
        .filter(|(_, arguments)| is_server(arguments))
        .map(|(pid, _)| pid)
        .collect();
    // A child that was just forked has the arguments of its parent.
    let is_child = |pid: i32| parent(pid).is_some_and(|parent| found.contains(&parent));
    let mut servers = found.clone();
    servers.retain(|pid| !is_child(*pid));
    servers
}

fn parent(pid: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Every process that descends from the server, itself included.
pub(crate) fn server_and_children(server: i32) -> Vec<i32> {
    processes()
        .map(|(pid, _)| pid)
        .filter(|pid| *pid == server || parent(*pid) == Some(server))
        .collect()
}

pub(crate) fn owner_of_process(pid: i32) -> u32 {
    fs::metadata(format!("/proc/{pid}")).unwrap().uid()
}

pub(crate) fn i_am_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}
