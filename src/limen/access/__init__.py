"""Who may ask: countries, officers, devices, their keys, signed requests, sessions, and the policy."""
