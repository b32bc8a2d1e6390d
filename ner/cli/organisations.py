"""`ner organisations`: the organisations of a store, short and full names of one body together."""

from ner.cli.register import make_group

organisations = make_group(
    "organisation",
    "List the store's organisations, each as one entity: forms, kind, first and last day, counts, place.\n\n"
    "Short and full names of one body are joined by place and head: 市委社会工作部 in a paper of Chongqing is"
    " 中共重庆市委社会工作部. A short name that neither its article nor its paper completes is left out.",
)
