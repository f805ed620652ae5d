"""Looking for what a search left behind: pieces of captures in the memory and on the disk of a hub.

    needles = Needles.of_images([Path("face.jpg")])
    finding = prove_forgotten(pids, [data_folder], needles)
    print(finding.sentence)

`needles` cuts windows from what a probe consists of, `scan` looks for them, `prove` puts both together with a positive
control, `drill` does it for a whole hub and every kind of search (`limen evaluate forgetting`).
"""

from limen.evaluation.forgetting.needles import Needles
from limen.evaluation.forgetting.prove import Finding, prove_forgotten

__all__ = ["Finding", "Needles", "prove_forgotten"]
