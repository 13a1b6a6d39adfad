//! Encrypted connections, by libpq's `sslmode`. A pgbouncer that requires TLS is in front of the server, whose own
//! socket is not encrypted.

use std::{
    fs,
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use dotwrap_testkit::TestDatabase;
use dotwrap_wrapper::{ConnectionTarget, Error, Wrapper};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::support::{builder, call, installed};

/// An authority, and a certificate of it for `localhost`.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("dotwrap-tls-")
            .tempdir()
            .unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let server = server.signed_by(&key, &authority).unwrap();
        for (name, text) in [
            ("root.pem", authority.pem()),
            ("server.pem", server.pem()),
            ("server.key", key.serialize_pem()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

/// A pgbouncer that requires TLS. It is stopped when the value is dropped.
struct Door {
    process: Child,
    port: u16,
}

impl Door {
    async fn before(database: &TestDatabase, certificates: &Certificates) -> Self {
        // Another process may take the free port before pgbouncer does.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            let mut process = start(database, certificates, port);
            while matches!(process.try_wait(), Ok(None)) {
                if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { process, port };
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        panic!("pgbouncer does not start");
    }

    /// Connects with these parameters and records a pair.
    async fn enter(&self, database: &TestDatabase, parameters: &str) -> Result<Wrapper, Error> {
        let (port, user, name) = (self.port, database.owner(), database.name());
        let text = format!("hostaddr=127.0.0.1 port={port} user={user} dbname={name} {parameters}");
        let wrapper = builder(database)
            .target(ConnectionTarget::parse(&text)?)
            .build()
            .await?;
        wrapper.observe_pair(&call()).await?;
        Ok(wrapper)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(database: &TestDatabase, certificates: &Certificates, port: u16) -> Child {
    let folder = certificates.folder.path();
    let server = database.server().socket_folder();
    let owner = database.owner();
    let configuration = format!(
        "[databases]\n* = host={server}\n[pgbouncer]\npool_mode = transaction\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users\n\
         client_tls_sslmode = require\nclient_tls_key_file = {folder}/server.key\n\
         client_tls_cert_file = {folder}/server.pem\nlogfile = {folder}/log\n",
        server = server.display(),
        folder = folder.display(),
    );
    fs::write(folder.join("pgbouncer.ini"), configuration).unwrap();
    fs::write(folder.join("users"), format!("\"{owner}\" \"\"\n")).unwrap();
    let mut command = Command::new(dotwrap_testkit::pgbouncer());
    run_as_the_servers_account(&mut command, folder, server);
    command
        .arg("--quiet")
        .arg(folder.join("pgbouncer.ini"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// pgbouncer refuses root; what root starts runs as the account that may enter the server's socket folder.
fn run_as_the_servers_account(command: &mut Command, folder: &Path, server: &Path) {
    if folder.metadata().unwrap().uid() != 0 {
        return;
    }
    let account = server.metadata().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        chown(&path, Some(account.uid()), Some(account.gid())).unwrap();
    }
    chown(folder, Some(account.uid()), Some(account.gid())).unwrap();
    command.uid(account.uid()).gid(account.gid());
}

#[tokio::test]
async fn each_sslmode_verifies_as_documented() {
    let (database, _wrapper) = installed().await;
    let certificates = Certificates::new();
    let strangers = Certificates::new();
    let door = Door::before(&database, &certificates).await;
    let root = certificates.file("root.pem");
    let stranger = strangers.file("root.pem");
    let let_in = [
        "host=localhost sslmode=prefer".to_owned(),
        "host=localhost sslmode=require".to_owned(),
        format!("host=other.example sslmode=require sslrootcert={root}"),
        format!("host=other.example sslmode=verify-ca sslrootcert={root}"),
        format!("host=localhost sslmode=verify-full sslrootcert={root}"),
    ];
    for parameters in let_in {
        if let Err(error) = door.enter(&database, &parameters).await {
            panic!("{parameters}: {error}");
        }
    }
    let kept_out = [
        "host=localhost sslmode=disable".to_owned(),
        format!("host=other.example sslmode=verify-full sslrootcert={root}"),
        format!("sslmode=verify-full sslrootcert={root}"),
        format!("host=localhost sslmode=verify-full sslrootcert={stranger}"),
        format!("host=localhost sslmode=verify-ca sslrootcert={stranger}"),
        format!("host=localhost sslmode=require sslrootcert={stranger}"),
    ];
    for parameters in kept_out {
        match door.enter(&database, &parameters).await {
            Err(Error::Unreachable { .. }) => {}
            other => panic!("{parameters}: {other:?}"),
        }
    }
}
