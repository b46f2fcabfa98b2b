"""What leaves: published runs, downloads, and the formats of other tools."""
