//! `polikrami demo`: against the running stack, or one of its own for the time being.

use super::BoxError;
use crate::cli::{DemoArgs, DevArgs};
use crate::demo;
use crate::dev::{Endpoints, StateDir, state::read_endpoints};
use crate::telemetry;
use crate::terminal::{bold, line};

pub async fn run(args: DemoArgs, log: Option<&str>) -> Result<(), BoxError> {
    if let Some(endpoints) = read_endpoints(&args.state)? {
        line(format!("walking the road against {}\n", endpoints.api));
        return walk(&endpoints, &args).await;
    }
    line("nothing is running; starting a stack for the demo\n");
    let state = StateDir::open(&args.state)?;
    telemetry::start(log, Some(&super::dev::log_file(&state)?))?;
    let stack_args =
        DevArgs { state: args.state.clone(), fresh: false, yes: false, port: None, payment_check_after: 20 };
    let stack = super::dev::start(&state, &stack_args).await?;
    state.write_endpoints(&stack.endpoints)?;
    let walked = walk(&stack.endpoints, &args).await;
    state.remove_endpoints()?;
    stack.stop().await?;
    walked
}

async fn walk(endpoints: &Endpoints, args: &DemoArgs) -> Result<(), BoxError> {
    let saved = demo::run(endpoints, &args.output).await?;
    for (what, path) in
        [("picture", &saved.picture), ("invoice", &saved.invoice), ("history", &saved.history)]
    {
        line(format!("  {:<8} {}", bold(what), path.display()));
    }
    Ok(())
}
