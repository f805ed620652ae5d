"""The hub's front: HTTP API and pages. It relays sealed captures that it cannot read, and shows decisions."""
