//! cacctl as a user of the lab runs it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::commands::{self, Background};
use super::{Lab, programs};
use crate::{pcscd, session_bus};

impl Lab {
    /// Runs cacctl, and returns when it has ended.
    pub fn cacctl(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.cacctl_with_input(arguments, b"")
    }

    /// The same, with something on its standard input.
    pub fn cacctl_with_input(&self, arguments: &[&str], input: &[u8]) -> anyhow::Result<Output> {
        commands::run(self.cacctl_command(arguments)?, input)
    }

    /// The same, with this in its environment.
    pub fn cacctl_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Output> {
        let mut command = self.cacctl_command(arguments)?;
        command.envs(variables.iter().copied());
        commands::run(command, b"")
    }

    /// Starts cacctl, and leaves it running.
    pub fn cacctl_in_background(&self, arguments: &[&str]) -> anyhow::Result<Background> {
        Background::start(self.cacctl_command(arguments)?)
    }

    /// The same, with this in its environment.
    pub fn cacctl_in_background_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> anyhow::Result<Background> {
        let mut command = self.cacctl_command(arguments)?;
        command.envs(variables.iter().copied());
        Background::start(command)
    }

    /// What its user sets for cacctl.
    pub fn set_for_the_user(&self, settings: &str) -> anyhow::Result<()> {
        let folder = self.folder().join("user/config");
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join("cacctl.toml"), settings)?)
    }

    /// The folder of cacctl's user, with nothing in it that is not of the test.
    pub fn home(&self) -> anyhow::Result<PathBuf> {
        let home = self.folder().join("home");
        fs::create_dir_all(&home)?;
        Ok(home)
    }

    /// Where cacctl keeps what it knows for its user.
    pub fn state_of_the_user(&self) -> PathBuf {
        self.folder().join("user/state")
    }

    fn cacctl_command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = programs::built()?.cacctl();
        command
            .args(arguments)
            .env(cac_common::paths::SOCKET_VARIABLE, self.socket())
            .env(pcscd::SOCKET_VARIABLE, self.pcscd_socket())
            .env("HOME", self.home()?)
            .env("XDG_RUNTIME_DIR", self.folder())
            .env("XDG_CONFIG_HOME", self.folder().join("user/config"))
            .env("XDG_STATE_HOME", self.folder().join("user/state"))
            // Whoever runs the tests is not to be told of them.
            .env(
                session_bus::ADDRESS_VARIABLE,
                format!("unix:path={}/no-bus", self.folder().display()),
            );
        Ok(command)
    }
}
