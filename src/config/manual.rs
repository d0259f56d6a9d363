//! Texts generated from the flags: completion scripts and the manual page.

use std::io;

use clap::CommandFactory;

use crate::config::flags::Cli;

/// The completion script for a shell.
pub(super) fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "redrive", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// The manual page in roff, commands included.
pub(super) fn page() -> io::Result<String> {
    let mut roff = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut roff)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let name = format!("redrive-{}", sub.get_name());
        clap_mangen::Man::new(sub.clone().name(name)).render(&mut roff)?;
    }
    Ok(String::from_utf8_lossy(&roff).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(command: &clap::Command, test: &dyn Fn(&clap::Command, &clap::Arg)) {
        command.get_arguments().for_each(|argument| test(command, argument));
        command.get_subcommands().for_each(|sub| every(sub, test));
    }

    #[test]
    fn the_flags_are_consistent_and_documented() {
        Cli::command().debug_assert();
        let page = page().expect("written to memory");
        assert!(page.contains("parallelization") && page.contains("redrive\\-tune"), "{page}");
        every(&Cli::command(), &|command, argument| {
            let name = format!("{} {}", command.get_name(), argument.get_id());
            assert!(argument.get_help().is_some(), "{name} has no help");
            let takes = argument.get_value_names().unwrap_or_default().join(" ");
            if argument.get_long().is_some()
                && (takes == "N" || takes.starts_with("N|") || takes.starts_with("N,") || takes.contains("DURATION"))
            {
                let minus = argument.is_allow_negative_numbers_set() || argument.is_allow_hyphen_values_set();
                assert!(minus, "{name}: -1 would be an option nobody knows");
            }
        });
        assert!(completions(clap_complete::Shell::Bash).contains("parallelization-factor"));
    }
}
