//! Deep links to the AWS console's pages of what is open. Nothing is opened: a link is copied.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::console::Console;
use crate::console::screen::Screen;
use crate::model::finding::{Severity, Subject};
use crate::model::id::{Arn, FunctionName, MappingId, QueueName};
use crate::model::queue::Queue;
use crate::verdict::alarm::alarm_of;

/// What a link leads to, and the link.
pub type Link = (String, String);

/// The pages of what the cursor is on, the likeliest first; says why when there is none.
pub(in crate::console) fn here(console: &mut Console) -> Vec<Link> {
    if console.options.sandbox || console.options.endpoint_url.is_some() {
        console.say(Severity::Note, "there is no AWS console behind this endpoint");
        return Vec::new();
    }
    let Some(identity) = console.picture.identity.as_ref().map(|identity| &identity.value) else {
        console.say(Severity::Note, "account and region are not known yet");
        return Vec::new();
    };
    let site = Site { region: identity.region.clone(), host: host(&identity.region, &identity.arn) };
    let mut links = links(console, &site);
    let mut seen = std::collections::BTreeSet::new();
    links.retain(|(_, url)| seen.insert(url.clone()));
    if links.is_empty() {
        console.say(Severity::Note, "the AWS console has no page of this");
    }
    links
}

fn links(console: &Console, site: &Site) -> Vec<Link> {
    let subject = match console.screen() {
        Screen::Map => console.current_finding().map(|finding| finding.subject.clone()),
        Screen::Posture => console.current_advice().map(|advice| advice.subject.clone()),
        Screen::Queues | Screen::Triage(_) => console.queue_here().map(Subject::Queue),
        Screen::Consumers | Screen::ConsumerDetail(_) => {
            console.mappings_here().into_iter().next().map(Subject::Mapping)
        }
        Screen::Logs(function) => Some(Subject::Function(function.clone())),
        Screen::Journal | Screen::Sandbox => None,
    };
    let mut links = about_alarm(console, site);
    links.extend(match subject {
        Some(Subject::Queue(name)) => site.of_queue(console, &name),
        Some(Subject::Mapping(id)) => site.of_mapping(console, &id),
        Some(Subject::Function(name)) => site.of_function(&name),
        Some(Subject::Account) | None if *console.screen() == Screen::Map => {
            vec![
                ("Lambda: functions".to_owned(), site.page("lambda", "/functions")),
                ("CloudWatch: alarms".to_owned(), site.page("cloudwatch", "alarmsV2:")),
            ]
        }
        Some(Subject::Account) | None => Vec::new(),
    });
    links
}

/// On an alarm's finding its own page comes first.
fn about_alarm(console: &Console, site: &Site) -> Vec<Link> {
    let finding = console.current_finding().filter(|_| *console.screen() == Screen::Map);
    let name = finding.and_then(alarm_of);
    name.map(|name| (format!("{name}: alarm"), site.alarm(name.as_str()))).into_iter().collect()
}

/// The AWS console of one partition and region.
struct Site {
    region: String,
    host: String,
}

impl Site {
    fn page(&self, service: &str, fragment: &str) -> String {
        format!("https://{}/{service}/home?region={}#{fragment}", self.host, self.region)
    }

    fn of_function(&self, name: &FunctionName) -> Vec<Link> {
        let page = |tab: &str| self.page("lambda", &format!("/functions/{name}?tab={tab}"));
        vec![
            (format!("{name}: monitoring"), page("monitoring")),
            (format!("{name}: code"), page("code")),
            (format!("{name}: log group"), self.log_group(&format!("/aws/lambda/{name}"))),
        ]
    }

    fn of_mapping(&self, console: &Console, id: &MappingId) -> Vec<Link> {
        let Some(mapping) = console.picture.mappings.get(id).map(|mapping| &mapping.value) else { return Vec::new() };
        let mut links = self.of_function(&mapping.function);
        let triggers = format!("/functions/{}?subtab=triggers&tab=configure", mapping.function);
        links.insert(
            1,
            (format!("{}: triggers, event source mapping", mapping.function), self.page("lambda", &triggers)),
        );
        if mapping.kind().is_queue() {
            links.extend(self.of_queue_alone(console, &mapping.source));
        } else if let Some(table) = mapping.source.table() {
            let page = self.page("dynamodbv2", &format!("table?name={}&tab=streams", encoded(table)));
            links.push((format!("{table}: exports and streams"), page));
        }
        links
    }

    fn of_queue(&self, console: &Console, name: &QueueName) -> Vec<Link> {
        let Some(queue) = console.picture.queues.get(name).map(|queue| &queue.value) else { return Vec::new() };
        let mut links = vec![self.queue(queue)];
        let dead = queue.redrive.as_ref().map(|policy| &policy.dead_letter_arn);
        for arn in dead.into_iter().chain(&queue.sources) {
            links.extend(self.of_queue_alone(console, arn));
        }
        links
    }

    fn of_queue_alone(&self, console: &Console, arn: &Arn) -> Option<Link> {
        console.picture.queue_by_arn(arn).map(|queue| self.queue(&queue.value))
    }

    fn queue(&self, queue: &Queue) -> Link {
        let what = if queue.is_dead_letter() { "dead-letter queue" } else { "queue" };
        let page = self.page("sqs/v3", &format!("/queues/{}", encoded(queue.url.as_str())));
        (format!("{}: {what}", queue.name), page)
    }

    /// CloudWatch escapes the name twice and writes `$25` for `%25`.
    fn log_group(&self, name: &str) -> String {
        let name = encoded(name).replace('%', "$25");
        self.page("cloudwatch", &format!("logsV2:log-groups/log-group/{name}"))
    }

    /// The page of an alarm.
    fn alarm(&self, name: &str) -> String {
        self.page("cloudwatch", &format!("alarmsV2:alarm/{}", utf8_percent_encode(name, IN_ALARM)))
    }
}

/// Each partition has a console of its own; who answered says which partition it is, else the
/// region's name does.
fn host(region: &str, caller: &str) -> String {
    let partition = caller.split(':').nth(1).unwrap_or_default();
    let domain = match partition {
        "aws-cn" => "console.amazonaws.cn",
        "aws-us-gov" => "console.amazonaws-us-gov.com",
        _ if region.starts_with("cn-") => "console.amazonaws.cn",
        _ if region.starts_with("us-gov-") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    };
    format!("{region}.{domain}")
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// Everything but what RFC 3986 calls unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What would end or break a fragment.
const IN_ALARM: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'`').add(b'#').add(b'%').add(b'?').add(b'/');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::ConsoleOptions;
    use crate::console::update::trial::Trial;

    #[test]
    fn every_partition_has_its_host() {
        let hosts = [
            host("eu-west-1", "arn:aws:sts::1:assumed-role/a/b"),
            host("cn-north-1", "arn:aws-cn:sts::1:assumed-role/a/b"),
            host("us-gov-west-1", ""),
        ];
        let expected = [
            "eu-west-1.console.aws.amazon.com",
            "cn-north-1.console.amazonaws.cn",
            "us-gov-west-1.console.amazonaws-us-gov.com",
        ];
        assert_eq!(hosts, expected);
    }

    #[test]
    fn names_are_escaped_as_each_page_wants_them() {
        let site = Site { region: "eu-west-1".to_owned(), host: host("eu-west-1", "") };
        let links = site.of_function(&"LogWorker".into());
        assert_eq!(
            links[2].1,
            "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1\
             #logsV2:log-groups/log-group/$252Faws$252Flambda$252FLogWorker"
        );
        assert!(site.alarm("a b").ends_with("#alarmsV2:alarm/a%20b"));
    }

    #[test]
    fn a_queue_leads_to_itself_and_to_its_other_half() {
        let mut trial = Trial::new(ConsoleOptions::default());
        trial.types("3");
        let keys = trial.console.queue_keys();
        let row = keys.iter().position(|name| name.as_str() == "JobDLQ").expect("it is listed");
        trial.console.cursors.queues.put(&keys, row);
        let links = here(&mut trial.console);
        assert_eq!(
            links.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>(),
            ["JobDLQ: dead-letter queue", "JobQueue: queue"]
        );
        assert!(links[0].1.contains("/sqs/v3/home?region=eu-west-1#/queues/https%3A%2F%2F"), "{}", links[0].1);
        assert_eq!(here(&mut Trial::sandbox().console), []);
    }
}
