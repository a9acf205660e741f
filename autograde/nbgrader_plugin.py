"""The preprocessors that nbgrader_config.py names."""

import json
import re

from nbgrader.preprocessors import ClearSolutions, NbGraderPreprocessor

EXPERIMENT = "experiment"
DEFAULT_STEP = "write it here, then run the check below"


class NamedStubs(ClearSolutions):
    """Put a stub in the place of each solution that says which exercise is still to be written.

    `### BEGIN SOLUTION return h` in the cell `rnn_step` of 01_rnn_intro becomes
    `raise NotImplementedError("01 · rnn_step: return h")`.
    """

    def preprocess(self, nb, resources):
        self.number = resources["nbgrader"]["notebook"].split("_")[0]
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, cell_index):
        if cell.cell_type == "code":
            self.code_stub = {"python": self._stub(cell)}
        return super().preprocess_cell(cell, resources, cell_index)

    def _stub(self, cell):
        exercise = cell.metadata.get("nbgrader", {}).get("grade_id", cell.get("id"))
        said = re.search(rf"{self.begin_solution_delimeter}[ :·-]*(.*)", cell.source)
        step = said and said[1].strip() or DEFAULT_STEP
        message = json.dumps(f"{self.number} · {exercise}: {step}", ensure_ascii=False)
        return f"raise NotImplementedError({message})"


class UntagGradedCells(NbGraderPreprocessor):
    """Take the tags off every cell that nbgrader grades.

    Grading skips the cells tagged `experiment`, and nbgrader gives full marks to a test that left
    no output: a submission with that tag on its tests would have all the points.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        if "nbgrader" in cell.metadata:
            cell.metadata.pop("tags", None)
        return cell, resources
