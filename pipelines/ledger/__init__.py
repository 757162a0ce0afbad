"""The ledger: every accepted response is a leaf of a Merkle tree (RFC 6962) that only grows.

A tree head pins all leaves so far, a receipt code lets a respondent prove that an answer is among them, and two heads
prove that nothing between was altered or taken away. It must not hold an answer: a leaf is a hash.
"""

from pipelines.ledger.book import append, heads, problems, prove
from pipelines.ledger.head import Head
from pipelines.ledger.proof import Proof
from pipelines.ledger.receipt import receipt_code
from pipelines.signing import new_key, public_key

__all__ = ["Head", "Proof", "append", "heads", "new_key", "problems", "prove", "public_key", "receipt_code"]
