"""Redis or Valkey: the transport that moves messages, its lists and leases."""
