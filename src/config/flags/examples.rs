//! One worked example at least for every command, as its own help shows it. README has them too, and a
//! test below asks for both.

use crate::model::qualifier;

pub(in crate::config) const EXAMPLES: &str = "\
Examples:
  redrive sandbox                         try everything, no account needed
  redrive --region eu-west-1 --profile p  the console on a deployed pipeline
  redrive status -o json                  what is wrong, for a script";

pub(in crate::config) const LONG_EXAMPLES: &str = "\
Examples:
  redrive sandbox                         try everything, no account needed
  redrive --region eu-west-1 --profile p  the console on a deployed pipeline
  redrive JobDLQ --prefix shop-prod-      open at one queue, see one stage only
  redrive status -o json                  what is wrong, for a script
  redrive tune LogWorker --parallelization-factor 5 --dry-run

Results go to stdout, everything else to stderr.
Exit codes: 0 fine, 1 something is wrong with the pipeline (status), 2 usage,
3 could not reach or not allowed, 4 refused by a safety rule, 5 done in part.
State (the journal) is kept in $REDRIVE_STATE_DIR, or $XDG_STATE_HOME/redrive.";

pub(in crate::config) const SANDBOX_EXAMPLES: &str = "\
Examples:
  redrive sandbox --scenario surge --speed 10
  redrive sandbox --headless --for 10m --seed 7 -o json
  redrive sandbox --headless --listen 127.0.0.1:4566
  aws --endpoint-url http://127.0.0.1:4566 sqs list-queues";

pub(in crate::config) const DLQ_EXAMPLES: &str = "\
Examples:
  redrive dlq list
  redrive dlq list JobDLQ --max 100 --yes
  redrive dlq try JobDLQ --yes
  redrive dlq show JobDLQ --yes
  redrive dlq export JobDLQ --where 'step:send age>2h' --to send.ndjson --yes
  redrive dlq drop JobDLQ --where 'step:send age>3d' --dry-run
  redrive dlq redrive JobDLQ --id 5fea7756-0ea4-451a-a703-a558b933e274 --yes
  redrive dlq redrive JobDLQ --all --rate 50 --dry-run";

pub(in crate::config) const REDRIVE_EXAMPLES: &str = "\
Examples:
  redrive dlq redrive JobDLQ --dry-run
  redrive dlq redrive JobDLQ --limit 100 --yes -o json
  redrive dlq redrive JobDLQ --canary 1,10,100 --rate 20 --reason 'fixed by deploy 4711' --yes
  redrive dlq redrive JobDLQ --rate off --lanes 16 --no-canary --yes
  redrive dlq redrive JobDLQ --id 5fea7756-0ea4-451a-a703-a558b933e274 --yes
  redrive dlq redrive JobDLQ --where 'step:send age<1d' --yes
  redrive dlq redrive JobDLQ --where step:send --edit '.body.template = \"welcome-2\"' --dry-run
  redrive dlq redrive JobDLQ --all --rate 50 --yes

Cut off in the middle, it is finished by `redrive journal resume`.";

pub(in crate::config) const JOURNAL_EXAMPLES: &str = "\
Examples:
  redrive journal list
  redrive journal resume --dry-run        what is certain about all that was cut off
  redrive journal resume --yes            finish it
  redrive journal undo OPERATION --yes    put the settings of a tune back
  redrive journal export > incident.md";

pub(in crate::config) const STATUS: &str = "\
Examples:
  redrive status                          exit code 1: something is wrong
  redrive status -o json | jq '.findings[].title'";

pub(in crate::config) const TOPOLOGY: &str = "\
Examples:
  redrive topology
  redrive topology --prefix orders- -o json";

pub(in crate::config) const CONSUMERS: &str = "\
Examples:
  redrive consumers
  redrive consumers -o json";

pub(in crate::config) const QUEUES: &str = "\
Examples:
  redrive queues
  redrive queues --stack courier-automations-queues -o ndjson";

pub(in crate::config) const DOCTOR: &str = "\
Examples:
  redrive doctor                          what it needs, and what of it is not there
  redrive doctor --policy read-only > read.json";

pub(in crate::config) const SCHEMA: &str = "\
Examples:
  redrive schema                          the names
  redrive schema status > status.schema.json";

pub(in crate::config) const COMPLETIONS: &str = "\
Examples:
  redrive completions bash > ~/.local/share/bash-completion/completions/redrive
  redrive completions zsh > ~/.zfunc/_redrive";

pub(in crate::config) const MAN: &str = "\
Examples:
  redrive man | man -l -
  redrive man > ~/.local/share/man/man1/redrive.1";

/// What `--where` understands comes along.
pub(in crate::config) fn list() -> String {
    format!("{}\n\n{LIST}", qualifier::help())
}

const LIST: &str = "\
Examples:
  redrive dlq list                        the dead-letter queues: nothing is received
  redrive dlq list JobDLQ --max 100 --yes
  redrive dlq list JobDLQ --where 'step:send age>2h' --yes -o ndjson";

pub(in crate::config) const JOURNAL_LIST: &str = "\
Examples:
  redrive journal list
  redrive journal list -o ndjson";

pub(in crate::config) const JOURNAL_SHOW: &str = "\
Examples:
  redrive journal show op-6747f2c1-1a2b";

pub(in crate::config) const JOURNAL_RESUME: &str = "\
Examples:
  redrive journal resume --dry-run        what is certain about all that was cut off
  redrive journal resume --yes            finish it
  redrive journal resume op-6747f2c1-1a2b --yes

It takes over only from an owner that is dead. A restore from a file goes on while
the file still is what it was; else what was not put back is named.";

pub(in crate::config) const JOURNAL_UNDO: &str = "\
Examples:
  redrive journal undo op-6747f2c1-1a2b --dry-run
  redrive journal undo op-6747f2c1-1a2b --yes";

pub(in crate::config) const JOURNAL_EXPORT: &str = "\
Examples:
  redrive journal export > incident.md
  redrive journal export op-6747f2c1-1a2b -o ndjson";

pub(in crate::config) const CONTEXT_LIST: &str = "\
Examples:
  redrive context list";

pub(in crate::config) const CONTEXT_USE: &str = "\
Examples:
  redrive context use prod-eu";

pub(in crate::config) const CONTEXT_SHOW: &str = "\
Examples:
  redrive context show                    of each value, where it comes from
  redrive context show prod-eu -o json";

pub(in crate::config) const CONTEXT_INIT: &str = "\
Examples:
  redrive context init                    asks
  redrive context init prod-eu --profile prod --region eu-west-1 --prefix orders- --protected --colour red
  redrive context init local --endpoint-url http://127.0.0.1:4566 --region us-east-1 --colour green";

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};

    use crate::config::flags::Cli;

    /// Every command that has none below it, by how it is called.
    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, String)>) {
        let call =
            if path.is_empty() { command.get_name().to_owned() } else { format!("{path} {}", command.get_name()) };
        let mut below = command.get_subcommands().filter(|command| !command.is_hide_set()).peekable();
        if below.peek().is_none() || path.is_empty() {
            found.push((call.clone(), command.clone().render_long_help().to_string()));
        }
        below.for_each(|command| leaves(command, &call, found));
    }

    /// A line that runs the command, and not another whose name begins alike.
    fn runs(text: &str, call: &str) -> bool {
        let rest = |line: &str| line.trim_start().strip_prefix(call).map(|rest| rest.chars().next());
        text.lines().filter_map(rest).any(|next| next.is_none_or(char::is_whitespace))
    }

    fn examples(help: &str) -> &str {
        help.rfind("Examples:\n").map_or("", |at| &help[at..])
    }

    fn code(markdown: &str) -> String {
        markdown.split("```").skip(1).step_by(2).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_command_has_a_worked_example_in_its_help_and_in_the_readme() {
        let mut commands = Vec::new();
        leaves(&Cli::command(), "", &mut commands);
        assert!(commands.len() > 25, "the tree was walked: {commands:?}");
        let readme = code(include_str!("../../../README.md"));
        let mut missing = Vec::new();
        for (call, help) in &commands {
            if !runs(examples(help), call) {
                missing.push(format!("`{call} --help` has no line under Examples that runs it"));
            }
            if !runs(&readme, call) {
                missing.push(format!("README.md has no code block that runs `{call}`"));
            }
        }
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }

    #[test]
    fn a_command_is_told_from_one_that_begins_alike() {
        assert!(runs("  redrive dlq list JobDLQ", "redrive dlq list") && runs("redrive man", "redrive man"));
        assert!(!runs("redrive dlq listing", "redrive dlq list") && !runs("aws redrive man", "redrive man"));
        assert_eq!(code("a\n```\nb\n```\nc\n```\nd\n```\n"), "\nb\n\n\nd\n");
        assert_eq!(examples("x\nExamples:\n  y"), "Examples:\n  y");
    }
}
