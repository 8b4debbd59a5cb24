"""Where the paper's text and its code differ, and what each choice changes."""
