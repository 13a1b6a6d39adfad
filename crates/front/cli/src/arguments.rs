//! The command line as typed: what every command takes, and which command it is.
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, Parser, ValueEnum};
use dotwrap_app::settings::{Colour, DatabaseUrl, Format, Layer, Settings};

use crate::commands::Command;
use crate::exit_status::ExitStatus;
use crate::failure::Failure;
use crate::output::{Messages, Verbosity};

/// Turns a pair of tools, a producer and the verifier that checks it, into one correlated record.
///
/// Without a configured database `dotwrap` brings its own PostgreSQL. Begin with `dotwrap demo`.
#[derive(Debug, Parser)]
#[command(name = "dotwrap", version, max_term_width = 100, arg_required_else_help = true, after_help = EXIT_STATUSES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: GlobalArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_STATUSES: &str = "\
Exit status:
  0  done                            5  idempotency conflict
  1  run, verdict or check failed   69  database unreachable
  2  usage                          70  internal error
  3  blocked                        74  output not written
  4  lease held, or busy            77  not permitted";

const SEE_HELP: &str = "dotwrap --help and dotwrap COMMAND --help say what there is";

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArguments {
    /// How data is printed
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// When to colour
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    color: Option<Colour>,
    /// The PostgreSQL to use instead of the embedded one [env: DOTWRAP_DATABASE_URL, DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<DatabaseUrl>,
    /// The schema of the installation [default: dot]
    #[arg(long, global = true, value_name = "NAME")]
    schema: Option<String>,
    /// A configuration file instead of the user's own and the nearest dotwrap.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Say nothing but data and failures, no warnings either
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Say more; twice: even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
}

impl Arguments {
    /// Reads the command line; a wrong one, `--help` and `--version` are answered here.
    pub(crate) fn read() -> Result<Self, ExitStatus> {
        let words: Vec<OsString> = std::env::args_os().collect();
        Self::try_parse_from(&words).map_err(|error| print_help_or_error(error, &words))
    }
}

fn print_help_or_error(mut error: clap::Error, words: &[OsString]) -> ExitStatus {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => ExitStatus::Done,
            Err(error) => {
                let failure = Failure::from(error);
                let messages = Messages::new(Verbosity::Quiet, Format::Table, Colour::Auto);
                // Help that nobody reads to its end is no failure.
                if !failure.is_broken_pipe() {
                    messages.failure(&failure);
                }
                failure.status
            }
        };
    }
    match format_asked_for(words) {
        Format::Table if is_quiet(words) => {
            let messages = Messages::new(Verbosity::Quiet, Format::Table, Colour::Auto);
            messages.failure(&usage_failure(&error));
        }
        Format::Table => {
            let messages = Messages::new(Verbosity::Quiet, Format::Table, Colour::Auto);
            let tip = tip_for_dash(words);
            if tip.is_some() {
                // It would make the word a value of the command, and not of the option.
                error.remove(ContextKind::Suggested);
            }
            // It repeats what was typed, or pasted.
            messages.drawn(&error.render().ansi().to_string());
            if let Some(tip) = tip {
                messages.drawn(&format!("\n  tip: {tip}\n"));
            }
        }
        format => {
            let mut failure = usage_failure(&error);
            if let Some(tip) = tip_for_dash(words) {
                failure = failure.hint(tip);
            }
            Messages::new(Verbosity::Quiet, format, Colour::Never).failure(&failure);
        }
    }
    ExitStatus::Usage
}

/// Whether a command line that could not be read asks for one line. A letter among others may be a value.
fn is_quiet(words: &[OsString]) -> bool {
    words.iter().any(|word| word == "-q" || word == "--quiet")
}

/// How to say a value that begins with a dash, where one may have been meant.
fn tip_for_dash(words: &[OsString]) -> Option<String> {
    let command = Arguments::command();
    let takes_value: BTreeSet<String> = options_with_value(&command);
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let both = words.windows(2).find(|both| {
        let is_value = both[1].starts_with('-') && both[1].len() > 1;
        takes_value.contains(both[0]) && is_value && !takes_value.contains(both[1])
    })?;
    Some(format!(
        "a value that begins with a dash is joined to its option: {}={}",
        both[0], both[1]
    ))
}

/// The long options of a command and of those below it that take a value.
fn options_with_value(command: &clap::Command) -> BTreeSet<String> {
    let own = command
        .get_arguments()
        .filter(|argument| argument.get_action().takes_values());
    let own = own.filter_map(|argument| Some(format!("--{}", argument.get_long()?)));
    let below = command.get_subcommands().flat_map(options_with_value);
    own.chain(below).collect()
}

/// The command line could not be read, but a program that asked for JSON, by whatever layer, wants its error as JSON,
/// too.
fn format_asked_for(words: &[OsString]) -> Format {
    let output = value_of("--output", words)
        .and_then(|word| <Format as ValueEnum>::from_str(&word.to_string_lossy(), true).ok());
    let flags = Layer {
        output,
        ..Layer::default()
    };
    Settings::load(flags, value_of("--config", words).map(PathBuf::from)).map_or_else(
        |_| output.or_else(format_in_environment).unwrap_or_default(),
        |settings| settings.format,
    )
}

/// What an option says in a command line that could not be read as a whole.
fn value_of(option: &str, words: &[OsString]) -> Option<OsString> {
    let joined = format!("{option}=");
    words.iter().enumerate().find_map(|(index, word)| {
        if word == option {
            return words.get(index + 1).cloned();
        }
        word.to_str()?.strip_prefix(&joined).map(OsString::from)
    })
}

fn usage_failure(error: &clap::Error) -> Failure {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Failure::usage("a command is missing").hint(SEE_HELP);
    }
    let text = error.to_string();
    let said: Vec<_> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(str::trim)
        .collect();
    Failure::usage(said.join(" ").trim_start_matches("error: ")).hint(SEE_HELP)
}

impl GlobalArguments {
    /// The address of the database, where the command line names one.
    pub(crate) fn database_url(&self) -> Option<&DatabaseUrl> {
        self.database_url.as_ref()
    }

    /// The flags as a layer of settings.
    pub(crate) fn layer(&self) -> Layer {
        Layer {
            database_url: self.database_url.clone(),
            schema: self.schema.clone(),
            output: self.output,
            color: self.color,
            ..Layer::default()
        }
    }

    /// How much is said.
    pub(crate) fn loudness(&self) -> Verbosity {
        if self.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Normal
        }
    }

    /// What is logged, in the words of `tracing`. What other crates warn of is the cause of a failure that is reported
    /// anyway: it is printed on request.
    pub(crate) fn log_filter(&self) -> String {
        match (self.quiet, self.verbose) {
            (true, _) => "off".to_owned(),
            (_, 0) => of_our_crates("warn"),
            (_, 1) => format!("warn,{}", of_our_crates("info")),
            _ => format!("warn,{}", of_our_crates("debug")),
        }
    }

    /// Where a failure is reported that comes before the settings are known.
    pub(crate) fn messages_before_settings(&self) -> Messages {
        let format = self
            .output
            .or_else(format_in_environment)
            .unwrap_or_default();
        Messages::new(self.loudness(), format, self.color.unwrap_or_default())
    }
}

/// A target is met by everything that begins with it: all our crates do.
fn of_our_crates(level: &str) -> String {
    format!("dotwrap={level}")
}

fn format_in_environment() -> Option<Format> {
    let text = std::env::var("DOTWRAP_OUTPUT").ok()?;
    ValueEnum::from_str(&text, true).ok()
}
