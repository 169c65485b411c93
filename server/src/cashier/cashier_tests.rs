//! The cashier against a stand-in of Stripe that keeps Stripe's promises and breaks everything else: events come three
//! times, in any order or not at all; answers are lost before and after the work was done; secrets change. One purchase
//! books once, always, and the books are right after every test.

#[path = "cashier_tests/buying.rs"]
mod buying;
#[path = "cashier_tests/lost.rs"]
mod lost;
#[path = "cashier_tests/returns.rs"]
mod returns;
#[path = "cashier_tests/street.rs"]
mod street;
#[path = "cashier_tests/told.rs"]
mod told;
#[path = "cashier_tests/top_up.rs"]
mod top_up;
