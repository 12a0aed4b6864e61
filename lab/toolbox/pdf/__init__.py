"""PDF without a document in memory: a writer, its fonts, a layout, and a reader for checks."""
