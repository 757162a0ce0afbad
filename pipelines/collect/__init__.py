"""From a source's bytes to accepted responses: landing, conforming, screening, scrubbing, rejects.

It must not know a connector or a wire format (those are values of `pipelines.model.source.Source`), and must not
compute a score.
"""
