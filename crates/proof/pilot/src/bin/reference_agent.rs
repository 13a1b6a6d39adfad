//! `dotwrap-reference-agent`: the agent service protocol, answered honestly for the pilot pair.

#![forbid(unsafe_code)]

use std::{
    error::Error,
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{ArgGroup, Parser};
use dotwrap_pilot::{
    Fixture,
    agent::{Fixtures, Identity, pilot_fixtures, router, serve},
};
use tokio::signal::unix::{SignalKind, signal};

/// How long calls in flight have to end.
const GRACE: Duration = Duration::from_secs(2);

/// A reference agent service for the pilot pair DOT_KG_EXPLAIN / DOT_KG_EXPLAIN_VERIFY.
///
/// It answers the agent service protocol by rules and always says that it is a mock, so that its runs stay simulated.
/// Prints its address, https://HOST:PORT/, on standard output.
#[derive(Parser)]
#[command(version, group(ArgGroup::new("identity").required(true).args(["cert", "self_signed"])))]
struct Arguments {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The certificate and those between it and its authority, PEM
    #[arg(long, requires = "key", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, requires = "cert", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Make an authority and a certificate for localhost; write ca.pem, cert.pem and key.pem there
    #[arg(long, value_name = "FOLDER")]
    self_signed: Option<PathBuf>,
    /// A fixture that it is to know, beside the pilot's own; may be given more than once
    #[arg(long, value_name = "REF=FILE", value_parser = reference_and_path)]
    fixture: Vec<(String, PathBuf)>,
}

fn reference_and_path(text: &str) -> Result<(String, PathBuf), &'static str> {
    let (reference, path) = text.rsplit_once('=').ok_or("it is REF=FILE")?;
    Ok((reference.to_owned(), path.into()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let router = router(fixtures(&arguments.fixture)?);
    let mut running = serve(router, &identity(&arguments)?, arguments.listen)?;
    writeln!(io::stdout(), "{}", running.endpoint())?;
    tokio::select! {
        ended = running.ended() => return Ok(ended?),
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    running.stop(GRACE);
    Ok(running.ended().await?)
}

fn fixtures(named: &[(String, PathBuf)]) -> Result<Fixtures, Box<dyn Error>> {
    let mut fixtures = pilot_fixtures()?;
    for (reference, path) in named {
        fixtures.insert(reference.clone(), read_fixture(path)?);
    }
    Ok(fixtures)
}

fn read_fixture(path: &Path) -> Result<Fixture, String> {
    let named = |error: &dyn Error| format!("{}: {error}", path.display());
    let json = fs::read(path).map_err(|error| named(&error))?;
    Fixture::from_json(&json).map_err(|error| named(&error))
}

fn identity(arguments: &Arguments) -> Result<Identity, Box<dyn Error>> {
    let identity = match (&arguments.cert, &arguments.key, &arguments.self_signed) {
        (Some(certificates), Some(key), _) => Identity::from_files(certificates, key)?,
        (_, _, Some(folder)) => {
            fs::create_dir_all(folder)?;
            Identity::self_signed(folder, &[arguments.listen.ip()])?
        }
        _ => return Err("a certificate is needed".into()),
    };
    Ok(identity)
}
