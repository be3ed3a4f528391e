"""How a page is drawn: templates, words, charts, the menu."""
