"""What ordinary users must not read, destroy or make others pay for: each kind of attack, against an embedded zone."""
