"""Paper: questionnaires printed with a template of the same source, scans of them read, doubts shown to a person.

It must not know rounds' results or join itself to sources: `pipelines.stages` does.
"""
