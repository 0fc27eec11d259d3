//! How often a code may be asked for, and how often it may be guessed.

use super::http_edge::token_of;
use super::http_phone::{NUMBER, ask, at_nine, demo_customer, is_done, sent, verify, wrong};
use harness::TestStack;
use journal::Clock;
use time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_counted_for_each_code_and_for_the_day() {
    let (stack, clock) = at_nine().await;
    let mine = demo_customer(&stack).await;
    let good = sent(&stack, &mine, NUMBER).await;
    let guess = async |token: &str, times: u32| {
        for _ in 0..times {
            verify(&stack, token, NUMBER, wrong(&good)).await.is_problem(400, "phone_code_invalid");
        }
    };
    guess(&mine, 5).await;
    let locked = verify(&stack, &mine, NUMBER, &good).await;
    locked.is_problem(429, "phone_code_locked");
    assert!((1..=600).contains(&locked.header("retry-after").parse::<u32>().unwrap()));
    // A new code does not help, until the time of the old one is over.
    let second = sent(&stack, &mine, NUMBER).await;
    verify(&stack, &mine, NUMBER, &second).await.is_problem(429, "phone_code_locked");
    clock.advance(Duration::minutes(10));
    let third = sent(&stack, &mine, NUMBER).await;
    is_done(&verify(&stack, &mine, NUMBER, &third).await);
    // Six of the day's twenty are used, and success has given none back.
    for times in [5, 5, 4] {
        clock.advance(Duration::minutes(10));
        guess(&demo_customer(&stack).await, times).await;
    }
    let mine = demo_customer(&stack).await;
    let locked = verify(&stack, &mine, NUMBER, &third).await;
    locked.is_problem(429, "phone_code_locked");
    assert!(locked.header("retry-after").parse::<u32>().unwrap() > 3_600, "{}", locked.text());
    clock.advance(Duration::days(1));
    guess(&demo_customer(&stack).await, 1).await;
    stack.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_stranger_nor_the_shops_purse_is_flooded() {
    let (stack, clock) = at_nine().await;
    let mine = demo_customer(&stack).await;
    for spelling in ["0532 123 45 67", "5321234567", NUMBER, "+90 532 123 4567", "905321234567"] {
        is_done(&ask(&stack, &mine, spelling).await);
    }
    refused(&stack, &mine, NUMBER, "phone_verification").await;
    refused(&stack, &mine, "+905330000000", "phone_verification").await;
    // Whoever asks: this number has had enough.
    let other = token_of(&stack, &stack.customer().await).await;
    refused(&stack, &other, NUMBER, "phone_number").await;
    is_done(&ask(&stack, &other, "+905330000000").await);
    let mine = an_hour_later(&stack, &clock).await;
    for _ in 0..5 {
        is_done(&ask(&stack, &mine, NUMBER).await);
    }
    let mine = an_hour_later(&stack, &clock).await;
    refused(&stack, &mine, NUMBER, "phone_number_day").await;
    // Eleven of the day's twenty are used.
    for n in 1..=4 {
        is_done(&ask(&stack, &mine, &format!("+9053400000{n:02}")).await);
    }
    let mine = an_hour_later(&stack, &clock).await;
    for n in 5..=9 {
        is_done(&ask(&stack, &mine, &format!("+9053400000{n:02}")).await);
    }
    let mine = an_hour_later(&stack, &clock).await;
    refused(&stack, &mine, "+905340000010", "phone_day").await;
    clock.advance(Duration::days(1));
    is_done(&ask(&stack, &demo_customer(&stack).await, NUMBER).await);
    stack.end().await;
}

async fn refused(stack: &TestStack, token: &str, number: &str, limit: &str) {
    let answer = ask(stack, token, number).await;
    answer.is_problem(429, "rate_limited");
    assert_eq!(answer.json()["limit"], limit, "{}", answer.text());
}

async fn an_hour_later(stack: &TestStack, clock: &Clock) -> String {
    clock.advance(Duration::hours(1));
    demo_customer(stack).await
}
