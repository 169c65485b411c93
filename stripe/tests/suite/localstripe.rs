//! localstripe, a stand-in of Stripe that others wrote, in a process of its own: customers, payments and refunds. It has no
//! checkouts, knows no idempotency keys, and answers payments as an older API did; what it can show is that requests,
//! refusals and refunds are not only what we think they are.

use crate::browser::call;
use crate::scene::{euros, key};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use tributary_stripe::refund::RefundState;
use tributary_stripe::{NewCharge, NewCustomer, NewRefund, Stripe, StripeError};

/// Names a Python that has localstripe; else the system's is asked.
const PYTHON: &str = "TRIBUTARY_TEST_PYTHON";
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/hosts/other_stripe.py");
const KEY: &str = "sk_test_12345";

struct Localstripe {
    process: Child,
    url: String,
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Localstripe {
    /// Nothing, with a word about it, where there is none.
    fn start() -> Option<Self> {
        let python = std::env::var_os(PYTHON).unwrap_or_else(|| "python3".into());
        let asked = Command::new(&python).args(["-c", "import localstripe"]).stderr(Stdio::null()).status();
        if !asked.is_ok_and(|status| status.success()) {
            eprintln!("left out: payments beside localstripe ({PYTHON} names no Python that has it)");
            return None;
        }
        let mut command = Command::new(&python);
        let mut process = command.arg(SCRIPT).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().unwrap();
        Some(Self { process, url: format!("http://127.0.0.1:{port}") })
    }

    /// A call as another program makes it.
    async fn call(&self, path: &str, form: &str) -> Value {
        let page = call(&format!("{}/v1/{path}", self.url), KEY, form).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        serde_json::from_str(&page.body).unwrap()
    }

    /// The id of a card that pays.
    async fn card(&self, customer: &str) -> String {
        let form =
            "type=card&card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2090&card[cvc]=123";
        let card = self.call("payment_methods", form).await["id"].as_str().unwrap().to_owned();
        self.call(&format!("payment_methods/{card}/attach"), &format!("customer={customer}")).await;
        card
    }
}

#[tokio::test]
async fn what_others_think_stripe_does_fits_what_we_think() {
    let Some(localstripe) = Localstripe::start() else { return };
    let stripe = Stripe::new(KEY, Some(&localstripe.url)).unwrap();
    let new = NewCustomer { email: "buyer+1@example.org".to_owned() };
    let customer = stripe.customer(&new, &key("c")).await.unwrap();
    let known = localstripe.call(&format!("customers/{customer}"), "").await;
    assert_eq!(known["email"], "buyer+1@example.org");

    let card = localstripe.card(&customer).await;
    let form = format!("amount=1999&currency=eur&customer={customer}&payment_method={card}&confirm=true");
    let payment = localstripe.call("payment_intents", &form).await["id"].as_str().unwrap().to_owned();

    let part = NewRefund { payment: payment.clone(), amount_minor: 500 };
    let refund = stripe.refund(&part, &key("r")).await.unwrap();
    assert_eq!((&refund.state, refund.amount), (&RefundState::Succeeded, euros(500)));
    assert_eq!(refund.payment.as_ref(), Some(&payment));
    assert_eq!(stripe.refund_state(&refund.id).await.unwrap(), refund);
    let known = localstripe.call(&format!("payment_intents/{payment}"), "").await;
    assert_eq!(known["latest_charge"]["amount_refunded"], 500);

    let of_nothing = NewRefund { payment: "pi_none".to_owned(), amount_minor: 1 };
    let of_nothing = stripe.refund(&of_nothing, &key("r2")).await;
    let no_refund = stripe.refund_state("re_none").await;
    let no_payment = stripe.payment("pi_none").await;
    for answer in [of_nothing.map(drop), no_refund.map(drop), no_payment.map(drop)] {
        assert!(matches!(answer, Err(StripeError::NotFound)), "{answer:?}");
    }

    // An older API does not say how much was received: nobody guesses.
    let older = stripe.payment(&payment).await;
    assert!(matches!(older, Err(StripeError::Unparsed { .. })), "{older:?}");
    let again = NewCharge { purchase: "p".to_owned(), customer, method: card, price: euros(1) };
    match stripe.charge_again(&again, &key("again")).await {
        Err(StripeError::Refused { message, .. }) => assert!(message.contains("automatic_payment_methods")),
        other => panic!("{other:?}"),
    }
}
