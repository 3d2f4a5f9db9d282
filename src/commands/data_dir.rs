//! The data directory of the commands that work on the files of a store: the one that `serve` would take.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, Given, GivenArgs};

/// Which data directory.
#[derive(Args, Clone, Debug)]
pub struct DataDirArgs {
    /// The data directory [env: TRACEWELL_DATA_DIR=] [default: data_dir of the configuration file, else tracewell-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// YAML file with settings, as for `serve` [env: TRACEWELL_CONFIG=]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl DataDirArgs {
    /// The directory: of the flag, else of the environment, else of the file.
    pub fn resolve(&self) -> anyhow::Result<PathBuf> {
        if let Some(directory) = &self.data_dir {
            return Ok(directory.clone());
        }
        let given = Given::collect(&GivenArgs::with_file(self.config.as_deref()))?;
        Ok(Config::from_given(&given)?.data_dir)
    }
}
