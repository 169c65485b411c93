//! localstripe, a stand-in of Stripe that others wrote, in a process of its own: customers, payments and refunds. It has no
//! checkouts, no idempotency keys and an older API.
