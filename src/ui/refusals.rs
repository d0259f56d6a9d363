//! Test only: consoles in a named context, and on accounts that refuse something.

use crate::console::msg::Msg;
use crate::console::update::update;
use crate::console::{Console, ConsoleOptions};
use crate::model::context::{Colour, Context};
use crate::model::picture::Identity;
use crate::model::service_error::ServiceError;
use crate::ui::scenes;

/// A protected context of production.
fn production() -> Console {
    let mut console = scenes::account();
    console.options = ConsoleOptions {
        profile: Some("prod".to_owned()),
        context: Context {
            name: "prod-eu".to_owned(),
            colour: Some(Colour::Red),
            protected: true,
            ..Context::default()
        },
        contexts: ["dev", "prod-eu", "staging"].map(str::to_owned).into(),
        ..console.options
    };
    console
}

fn tell(mut console: Console, msg: Msg) -> Console {
    update(&mut console, msg);
    console
}

fn refused(console: Console, code: &str, message: &str) -> Console {
    let error = ServiceError { http: 403, ..ServiceError::new("sts:GetCallerIdentity", code, message) };
    let (at, result): (_, Result<Identity, _>) = (console.now, Err(error));
    tell(console, Msg::IdentityArrived { at, result })
}

pub fn all() -> Vec<(&'static str, Console)> {
    let mut list = production();
    update(&mut list, Msg::Key(crate::console::key::Key::ctrl('x')));
    let mut arm = production();
    scenes::type_keys(&mut arm, "Wprod");
    let mut card = production();
    scenes::type_keys(&mut card, "Wprod-eu\n2S9");
    let actions = ["lambda:GetPolicy", "sqs:ListQueues"].map(str::to_owned).into();
    let skewed = tell(scenes::account(), Msg::ClockSkewed { ahead_ms: 600_000 });
    vec![
        ("context", production()),
        ("context-list", list),
        ("arm-protected", arm),
        ("card-protected", card),
        ("locked-out", refused(production(), "ExpiredToken", "The security token included in the request is expired")),
        ("denied", tell(skewed, Msg::DenialsArrived { actions })),
    ]
}
