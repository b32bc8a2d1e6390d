"""The register in the store: what articles say of brands, organisations and places, counted and kept up.

`update` counts articles that changed, `derive` makes entities of what was counted, `lists` reads them,
`edits` keeps what people say of them. What counts as a brand is not known here: `ner.brands.facts` says it.
"""
