//! What has to be read before a function's reserved concurrency is changed: two or three control calls,
//! asked at once since somebody waits for them. Console and command share it.

use crate::aws::Account;
use crate::model::function::{FunctionAnswer, FunctionQuestion};
use crate::model::mapping::Mapping;
use crate::model::reserve::ReserveReading;

/// Whatever could not be read is missing from the answer, and said there to be so; only the reserve itself
/// has to be known.
pub async fn read(account: &Account, mapping: &Mapping) -> ReserveReading {
    let (reserve, limits) = tokio::join!(
        account.function_setting(&mapping.function, FunctionQuestion::Concurrency),
        account.account_limits()
    );
    let reserve = match reserve {
        Ok(FunctionAnswer::Concurrency(limit)) => Ok(limit),
        Ok(other) => Err(format!("answered {other:?}")),
        Err(error) => Err(error.to_string()),
    };
    let shards = account.shards_of(mapping).await.ok().flatten();
    ReserveReading {
        function: mapping.function.clone(),
        reserve,
        limits: limits.ok().flatten(),
        shards,
        source: Some(mapping.source.clone()),
    }
}
