"""Identity kept apart from answers: age encryption, pseudonyms, the vault, tombstones of who was erased, the audit.

It must not read answers or know a source's format; what it writes that leads to a person is encrypted.
"""
