-- An account has an endpoint hear of other events; its address stays what it was.
GRANT UPDATE (events) ON webhook TO tributary_app;
