"""Print the lowest version that pyproject.toml allows of each dependency, as constraints for pip.

What constraints.txt pins is left out: that version is used at both ends.
"""

import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
pinned = {
    Requirement(line).name
    for line in Path("constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
}
lowest = {}
for line in chain(project["dependencies"], *project["optional-dependencies"].values()):
    requirement = Requirement(line)
    for specifier in requirement.specifier:
        if specifier.operator == ">=" and requirement.name not in pinned:
            lowest[requirement.name] = f"{requirement.name}=={specifier.version}"
print(*sorted(lowest.values()), sep="\n")
