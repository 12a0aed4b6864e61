"""The generated parts of the documents: README.md, docs/speed.md, docs/load.md and others."""
