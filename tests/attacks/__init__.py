"""What ordinary users must not get, destroy or cost others: each kind of attack, against an embedded zone."""
