//! Every outbound call fails once: the one helper for it, and the proof that the intended call was the one.

use super::TestStack;
use serde_json::{Value, json};

/// A failure of one call of one simulator, by the simulator's own names.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    Payment { call: &'static str, fault: &'static str },
    Picture { call: &'static str, fault: &'static str },
    Mail { call: &'static str, fault: &'static str },
    Sms { call: &'static str, fault: &'static str },
}

impl Fault {
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Payment { call, fault }
            | Self::Picture { call, fault }
            | Self::Mail { call, fault }
            | Self::Sms { call, fault } => (call, fault),
        }
    }

    fn control(self, stack: &TestStack) -> String {
        let endpoints = &stack.endpoints;
        let base = match self {
            Self::Payment { .. } => &endpoints.iyzico,
            Self::Picture { .. } => &endpoints.stability,
            Self::Mail { .. } => &endpoints.mailbox,
            Self::Sms { .. } => &endpoints.twilio,
        };
        format!("{}/_control/faults", base.trim_end_matches('/'))
    }

    /// Queues the fault for the next fitting call.
    pub async fn order(self, stack: &TestStack) {
        let (call, fault) = self.parts();
        let order = json!({ "call": call, "fault": fault });
        let answer = stack.client.post(self.control(stack)).json(&order).send().await.unwrap();
        assert!(answer.status().is_success(), "{self:?} is no fault: {}", answer.text().await.unwrap());
    }

    /// Whether it hit the call that it was meant for; clears the list.
    ///
    /// # Panics
    /// When it did not: then the test would have passed for the wrong reason.
    pub async fn assert_fired(self, stack: &TestStack) {
        let (call, fault) = self.parts();
        let report: Value = stack.client.get(self.control(stack)).send().await.unwrap().json().await.unwrap();
        let name = fault.split(':').next().unwrap();
        let fired = report["fired"].as_array().unwrap();
        let hit = fired.iter().any(|one| one["call"] == call && one["fault"] == name);
        assert!(hit, "{self:?} never hit its call: {report}");
        stack.client.delete(self.control(stack)).send().await.unwrap();
    }
}

/// Runs the scenario once for each fault, on one stack; each time exactly that call fails.
pub async fn each_call_failing_once<F>(stack: &TestStack, faults: &[Fault], scenario: F)
where
    F: AsyncFn(&TestStack),
{
    for fault in faults {
        fault.order(stack).await;
        scenario(stack).await;
        fault.assert_fired(stack).await;
    }
}
