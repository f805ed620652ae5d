"""Files as police systems exchange them: ANSI/NIST-ITL, minutiae standards, face records, machine readable zones."""

from limen.exchange.transactions import is_transaction, read

__all__ = ["is_transaction", "read"]
